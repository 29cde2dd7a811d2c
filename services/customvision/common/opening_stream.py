"""Streams from a caller that open with a header."""

from collections.abc import AsyncIterator
from typing import Generic, Literal, Protocol, TypeVar

from customvision.common.errors import InvalidArgument


class StreamHeaderMissing(InvalidArgument):
    """The first message of a stream is not its header."""

    reason = "STREAM_HEADER_MISSING"


class StreamMessageUnexpected(InvalidArgument):
    """A later message of a stream is not a piece of what the header announced."""

    reason = "STREAM_MESSAGE_UNEXPECTED"


class HasPayload(Protocol):
    """A message whose ``payload`` is the header or a piece."""

    def WhichOneof(self, oneof_group: Literal["payload"], /) -> str | None:  # noqa: N802 - protobuf's name
        """Returns the name of the field that is set."""


Message = TypeVar("Message", bound=HasPayload)


class OpeningStream(Generic[Message]):
    """Reads the header, then the pieces; ``piece`` is the name of their field."""

    def __init__(self, messages: AsyncIterator[Message], piece: str) -> None:
        # grpc hands over an iterable whose iterator it makes once.
        self._messages = aiter(messages)
        self._piece = piece

    async def header(self) -> Message:
        """Returns the first message. Raises StreamHeaderMissing."""
        first = await anext(self._messages, None)
        if first is None or first.WhichOneof("payload") != "header":
            raise StreamHeaderMissing("The first message of the stream must hold the header.", field="header")
        return first

    async def rest(self) -> AsyncIterator[Message]:
        """Yields the other messages. Raises StreamMessageUnexpected."""
        async for message in self._messages:
            if message.WhichOneof("payload") != self._piece:
                raise StreamMessageUnexpected(
                    f"After the header, every message of the stream must hold '{self._piece}'.", field=self._piece
                )
            yield message
