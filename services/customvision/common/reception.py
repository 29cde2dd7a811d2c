"""How large messages are received: a bounded number at one time, in bounded time, and none that would be refused."""

import asyncio
from collections import deque
from collections.abc import AsyncIterable, Callable
from typing import Any

from customvision.common.authentication import Role
from customvision.common.errors import DeadlineExceeded, Internal

# A message's size is not known before it is there: each may be as large as messages are allowed to be, 32 MiB.
AT_ONCE = 8
# The largest message at 9 megabit a second.
SECONDS = 30.0


class MessageTooSlow(DeadlineExceeded):
    """The call's message was not there in time."""

    reason = "MESSAGE_TOO_SLOW"


class Reception:
    """Receives the one message of calls to ``methods``. Belongs to one event loop.

    ``may_enter`` raises the service's own kind of ServiceError where calls of a key would be refused whatever they say:
    those are refused unread. ``at_once`` messages of each key are received at one time, so that neither key keeps the
    other out; flow control holds back who waits.
    """

    def __init__(
        self,
        methods: frozenset[str],
        may_enter: Callable[[Role], None],
        *,
        at_once: int = AT_ONCE,
        seconds: float = SECONDS,
    ) -> None:
        self.methods = methods
        self.may_enter = may_enter
        self._seconds = seconds
        self._room = {role: asyncio.Semaphore(at_once) for role in Role}

    async def receive(self, role: Role, messages: AsyncIterable[Any]) -> Any:
        """Returns a call's message. Raises MessageTooSlow, and what ``may_enter`` raises where it waited in vain."""
        async with self._room[role]:
            self.may_enter(role)
            try:
                async with asyncio.timeout(self._seconds):
                    async for message in messages:
                        return message
            except TimeoutError:
                raise MessageTooSlow(
                    f"The call's message was not there after {self._seconds:.0f} seconds; send less in one call."
                ) from None
        raise Internal("The call ended without its message.")


class OpenReception:
    """Receives the one small message of calls that need no key. Belongs to one event loop.

    Where ``at_once`` are on their way, the oldest is given up for the newest: an honest one is there at once.
    """

    def __init__(self, *, at_once: int = AT_ONCE, seconds: float = SECONDS) -> None:
        self._at_once = at_once
        self._seconds = seconds
        self._limits: deque[asyncio.Timeout] = deque()

    async def receive(self, messages: AsyncIterable[Any]) -> Any:
        """Returns a call's message, None where none came in time."""
        if len(self._limits) >= self._at_once:
            self._limits.popleft().reschedule(asyncio.get_running_loop().time())
        try:
            async with asyncio.timeout(self._seconds) as limit:
                self._limits.append(limit)
                try:
                    return await anext(aiter(messages), None)
                finally:
                    if limit in self._limits:
                        self._limits.remove(limit)
        except TimeoutError:
            return None
