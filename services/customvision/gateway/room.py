"""Memory for request bodies with images: taken as their bytes come, bounded over all of them."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from customvision.gateway.api_errors import ApiError

MIB = 1024 * 1024
# What one call to a service takes, less room for names, tags and metadata.
CALL_BYTES = 24 * MIB
# It is in memory as a message, as its bytes, and in gRPC's own buffers.
COPIES_OF_A_CALL = 3
# What all bodies with images that are in memory at one time may take.
MAX_BYTES_AT_ONCE = 576 * MIB
# Most bodies are answered well within; who has waited so long is better told to come back.
PATIENCE_SECONDS = 5.0


class Room:
    """Room in bytes for the bodies that are in memory at one time; who asks first gets it first.

    Bodies that have come in part may fill it so that none can go on. So whenever one has waited for
    ``PATIENCE_SECONDS``, the largest that has not come whole is refused: the one that waits, or one larger than it.
    """

    def __init__(self, size: int = MAX_BYTES_AT_ONCE) -> None:
        self._free = self.lowest = size
        # Of places that hold something, those of which more is to come.
        self._partial: set[Place] = set()
        self._waiting: deque[tuple[Place, int, asyncio.Future[None]]] = deque()

    @contextmanager
    def place(self, limit: int, copies: int = 1) -> Iterator["Place"]:
        """Yields the place of a body of which ``limit`` bytes are kept at most, in ``copies``; it is empty at first."""
        place = Place(self, limit, copies)
        try:
            yield place
        finally:
            self._free += place.held
            self._serve()

    @property
    def free(self) -> int:
        """The bytes that are free now; ``lowest`` is the least that ever were."""
        return self._free

    async def give(self, place: "Place", size: int) -> None:
        """Waits until ``size`` more bytes are free, and adds them to what ``place`` holds."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = (place, size, turn)
        self._waiting.append(waiter)
        self._serve()
        try:
            while not turn.done():
                await asyncio.wait([turn], timeout=PATIENCE_SECONDS)
                if not turn.done():
                    # Of two that are as large, the one that waits.
                    max((place, *self._partial), key=lambda each: each.held).refuse()
        finally:
            if not turn.done():
                self._waiting.remove(waiter)
                self._serve()

    def keep(self, place: "Place") -> None:
        """Notes that the body of ``place`` has come whole, so that nothing takes its room."""
        self._partial.discard(place)

    def _serve(self) -> None:
        while self._waiting and self._waiting[0][1] <= self._free:
            place, size, turn = self._waiting.popleft()
            self._free -= size
            self.lowest = min(self.lowest, self._free)
            place.held += size
            self._partial.add(place)
            turn.set_result(None)


class Place:
    """The room that one body holds: for the bytes that have come, and for what is made of them."""

    def __init__(self, room: Room, limit: int, copies: int) -> None:
        self.held = 0
        self._room, self._limit, self._copies = room, limit, copies
        self._coming: asyncio.Timeout | None = None

    @asynccontextmanager
    async def coming(self) -> AsyncIterator[None]:
        """Stands around the reading of the body. Raises ApiError where the body is refused for want of room."""
        try:
            async with asyncio.timeout(None) as self._coming:
                yield
        except TimeoutError as error:
            message = "The gateway has no room for this body beside others that come now; send it again later."
            raise ApiError("ErrorUnknown", message, status=503, retry_after=PATIENCE_SECONDS) from error
        finally:
            self._coming = None
            self._room.keep(self)

    async def grow(self, length: int) -> None:
        """Waits, while the body is ``coming``, until there is room for ``length`` bytes of it in all."""
        more = room_for(min(length, self._limit), self._copies) - self.held
        if more > 0:
            await self._room.give(self, more)

    def refuse(self) -> None:
        """Ends the reading of the body, wherever it is."""
        if self._coming is not None:
            self._coming.reschedule(asyncio.get_running_loop().time())


def room_for(body: int, copies: int = 1) -> int:
    """Returns the bytes that a body takes while it is there ``copies`` times and the calls that pass it on are made."""
    return copies * body + COPIES_OF_A_CALL * min(body, CALL_BYTES)
