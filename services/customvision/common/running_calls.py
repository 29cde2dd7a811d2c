"""The calls that a server answers now, so that it can finish them and take no more."""

import asyncio

from customvision.common.notifier import ServiceStopping, wait


class RunningCalls:
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self._count = 0
        self._turning_away = False
        self._none = asyncio.Event()

    def begin(self) -> None:
        """Counts a call, which has to end. Raises ServiceStopping, and counts none, once no more are taken."""
        if self._turning_away:
            raise ServiceStopping
        self._count += 1

    def end(self) -> None:
        """Counts the end of a call that began."""
        self._count -= 1
        if not self._count and self._turning_away:
            self._none.set()

    async def finish(self, seconds: float) -> None:
        """Takes no more calls; returns when those that run have ended, or after ``seconds``."""
        self._turning_away = True
        if self._count:
            await wait(self._none, seconds)
