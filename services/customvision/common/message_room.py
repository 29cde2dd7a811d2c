"""Room for messages that were received and are not answered yet: bounded in number and bytes over all calls."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class MessageRoom:
    """Who is about to read a message waits for room; how much it takes is known once it is there.

    So each reader may go beyond the bounds by the one message that it reads. Belongs to one event loop.
    """

    def __init__(self, *, size: int, count: int | None = None) -> None:
        """``size`` is in bytes; without ``count`` any number of messages may be held."""
        self._free_size = size
        self._free_count = count
        self._free = asyncio.Event()
        self._free.set()

    async def wait(self) -> None:
        """Returns once there is room. Nothing is taken: one that waits for a silent caller keeps nobody out."""
        await self._free.wait()

    @property
    def is_free(self) -> bool:
        """Whether there is room now."""
        return self._free.is_set()

    @contextmanager
    def holding(self) -> Iterator["Holding"]:
        """Yields what counts messages; those that it still holds at the block's end are let go of."""
        holding = Holding(self)
        try:
            yield holding
        finally:
            holding.let_go(holding.count, holding.size)

    @contextmanager
    def held(self, size: int) -> Iterator[None]:
        """Counts a message of ``size`` bytes inside the block."""
        with self.holding() as holding:
            holding.take(size)
            yield

    def add(self, count: int, size: int) -> None:
        """Counts so many messages more, or fewer, and their bytes."""
        self._free_size -= size
        if self._free_count is not None:
            self._free_count -= count
        if self._free_size > 0 and (self._free_count is None or self._free_count > 0):
            self._free.set()
        else:
            self._free.clear()


class Holding:
    """Messages of one call: how many there are, and their bytes."""

    def __init__(self, room: MessageRoom) -> None:
        self._room = room
        self.count = 0
        self.size = 0

    def take(self, size: int) -> None:
        """Counts a message that came."""
        self._add(1, size)

    def let_go(self, count: int, size: int) -> None:
        """Counts messages that are done with; of those that are not held any more, none."""
        self._add(-min(count, self.count), -min(size, self.size))

    def _add(self, count: int, size: int) -> None:
        self.count += count
        self.size += size
        self._room.add(count, size)
