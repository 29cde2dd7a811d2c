"""Answers that come from a service piece by piece."""

from collections.abc import AsyncIterator
from typing import Any, Protocol


class Call(Protocol):
    """A call to a service that answers with a stream of pieces, each with its bytes as ``data``."""

    def __aiter__(self) -> AsyncIterator[Any]:
        """Returns the pieces."""

    def cancel(self) -> bool:
        """Ends the call early."""


async def opened(call: Call) -> tuple[Any, AsyncIterator[bytes]]:
    """Returns the first piece, None where there is none, and the bytes of all pieces.

    What the service refuses is raised here, before an answer has begun. Who leaves early ends the call.
    """
    pieces = aiter(call)
    first = await anext(pieces, None)

    async def every() -> AsyncIterator[bytes]:
        try:
            if first is not None:
                yield first.data
            async for piece in pieces:
                yield piece.data
        finally:
            call.cancel()

    return first, every()
