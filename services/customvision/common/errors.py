"""The kinds of error a caller can meet. A service derives one class per cause and gives it a stable reason."""

from collections.abc import Mapping
from typing import ClassVar


class ServiceError(Exception):
    """An error meant for the caller: one sentence saying what is wrong and what to do.

    ``reason`` is stable, upper snake case, and part of the contract; ``metadata`` carries the message's
    variable parts for programs; ``field`` names the request field at fault, where there is one; ``retry_after`` is
    the seconds after which the same call may succeed, None where nobody can tell.
    """

    reason: ClassVar[str] = "UNSPECIFIED"
    retry_after: float | None = None

    def __init__(
        self,
        message: str,
        *,
        metadata: Mapping[str, str] | None = None,
        field: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.metadata: dict[str, str] = dict(metadata or {})
        self.field = field
        if retry_after is not None:
            self.retry_after = retry_after


class InvalidArgument(ServiceError):
    """The request is wrong whatever the state of the service."""

    reason = "INVALID_ARGUMENT"


class NotFound(ServiceError):
    """What the request names does not exist."""

    reason = "NOT_FOUND"


class AlreadyExists(ServiceError):
    """What the request would make exists."""

    reason = "ALREADY_EXISTS"


class FailedPrecondition(ServiceError):
    """The request is right, the state is not; repeating it changes nothing until the state does."""

    reason = "FAILED_PRECONDITION"


class OutOfRange(ServiceError):
    """The request asks past the end of what there is."""

    reason = "OUT_OF_RANGE"


class ResourceExhausted(ServiceError):
    """A limit was reached: space, a queue, a quota."""

    reason = "RESOURCE_EXHAUSTED"


class StorageFull(ResourceExhausted):
    """The disk has no room for what the caller sent."""

    reason = "STORAGE_FULL"

    def __init__(self) -> None:
        super().__init__("The disk is full; nothing was stored. Make room, then try again.")


class DeadlineExceeded(ServiceError):
    """The time that the caller gave is over."""

    reason = "DEADLINE_EXCEEDED"


class Unavailable(ServiceError):
    """Something needed is away; repeating the call later may work."""

    reason = "UNAVAILABLE"


class Internal(ServiceError):
    """A service that was called met an error of its own; repeating the call is not known to help."""

    reason = "INTERNAL"


class Unauthenticated(ServiceError):
    """The call carries no valid key."""

    reason = "UNAUTHENTICATED"


class PermissionDenied(ServiceError):
    """The key is valid and does not open this call."""

    reason = "PERMISSION_DENIED"


class ConfigurationError(Exception):
    """The service cannot start as it is set up; the message says what to change."""


def forget_frames(error: BaseException) -> None:
    """Has an error that is kept hold nothing of where it was raised: frames hold the messages that they worked on."""
    error.__traceback__ = error.__cause__ = error.__context__ = None
