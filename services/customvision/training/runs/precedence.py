"""Runs go first: what else computes stops while one does."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator


class Precedence:
    """Lets runs compute undisturbed by work that can wait."""

    def __init__(self) -> None:
        self._runs = 0
        self._calm = asyncio.Event()
        self._calm.set()
        self._giving_way: set[asyncio.Future[None]] = set()

    @contextlib.contextmanager
    def of_a_run(self) -> Iterator[None]:
        """Cancels what gives way, and lets nothing of it begin before the block's end."""
        self._runs += 1
        self._calm.clear()
        for work in self._giving_way:
            work.cancel()
        try:
            yield
        finally:
            self._runs -= 1
            if not self._runs:
                self._calm.set()

    async def give_way(self, work: Callable[[], Awaitable[None]]) -> None:
        """Does ``work`` once no run computes, and returns early, the work cancelled, where one begins."""
        while self._runs:
            await self._calm.wait()
        doing = asyncio.ensure_future(work())
        self._giving_way.add(doing)
        try:
            # Not awaited itself: its cancellation and that of this work would look alike.
            await asyncio.wait([doing])
        finally:
            self._giving_way.discard(doing)
            doing.cancel()
            await asyncio.gather(doing, return_exceptions=True)
        if not doing.cancelled():
            doing.result()
