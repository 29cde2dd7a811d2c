"""What a caller catches: one error class, decoded from a call's status in one place."""

from collections.abc import Mapping

import grpc
from google.rpc import error_details_pb2, status_pb2

STATUS_DETAILS_KEY = "grpc-status-details-bin"


class CustomVisionError(Exception):
    """A call that did not succeed.

    ``reason`` is stable and upper snake case ("NOTHING_CHANGED"), for programs; ``message`` is a sentence for people
    that says what is wrong and what to do; ``code`` is the gRPC status; ``metadata`` has the message's variable parts.
    """

    def __init__(
        self, reason: str, message: str, code: grpc.StatusCode, metadata: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.code = code
        self.metadata = dict(metadata or {})

    @property
    def is_transient(self) -> bool:
        """Whether the same call may succeed later: the service was away, nothing was wrong with the request."""
        return self.code is grpc.StatusCode.UNAVAILABLE

    @property
    def is_about_image(self) -> bool:
        """Whether it is the image that cannot be used; other images may be fine."""
        return self.reason.startswith(("IMAGE_", "FILE_"))


def error_from_call(error: grpc.RpcError, *, service: str, address: str) -> CustomVisionError:
    """Returns the failure of a call to ``service`` at ``address`` as one of ours."""
    if not isinstance(error, grpc.Call | grpc.aio.AioRpcError):
        return CustomVisionError("UNKNOWN", f"The {service} service failed: {error}", grpc.StatusCode.UNKNOWN)
    code, details = error.code(), error.details() or ""
    info = _error_info(error.trailing_metadata())
    if info is not None:
        return CustomVisionError(info.reason, details, code, info.metadata)
    metadata = {"service": service, "address": address}
    if code is grpc.StatusCode.UNAVAILABLE:
        return CustomVisionError("SERVICE_UNREACHABLE", _unreachable(service, address), code, metadata)
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        message = f"The {service} service at {address} did not answer in time; it may be overloaded. Try again later."
        return CustomVisionError("DEADLINE_EXCEEDED", message, code, metadata)
    return CustomVisionError(code.name, f"The {service} service at {address} failed: {details}", code, metadata)


def _unreachable(service: str, address: str) -> str:
    return (
        f"Nothing answers at {address}. Start the suite with `make run` or `customvision up`, "
        f"or set CUSTOMVISION_{service.upper()}_ADDRESS to where the {service} service runs."
    )


def _error_info(trailing: object) -> error_details_pb2.ErrorInfo | None:
    if not isinstance(trailing, tuple | grpc.aio.Metadata):
        return None
    for key, value in trailing:
        if key == STATUS_DETAILS_KEY:
            for detail in status_pb2.Status.FromString(value).details:
                info = error_details_pb2.ErrorInfo()
                if detail.Unpack(info):
                    return info
    return None
