"""How large messages are received: a bounded number at one time, in bounded time, and none that would be refused."""

import asyncio
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc

from customvision.common.authentication import Role
from customvision.common.errors import DeadlineExceeded, Internal
from customvision.common.message_room import MessageRoom

# A message's size is not known before it is there: each may be as large as messages are allowed to be, 32 MiB.
AT_ONCE = 8
# What takes longer comes over a slow network, or not at all.
PROMPT_SECONDS = 2.0
# The largest message at 9 megabit a second.
SECONDS = 30.0


class MessageTooSlow(DeadlineExceeded):
    """The call's message was not there in time."""

    reason = "MESSAGE_TOO_SLOW"


def let_all_enter(_: Role) -> None:
    """Refuses nobody."""


class Reception:
    """Receives the one message of calls to ``methods``. Belongs to one event loop.

    ``may_enter`` raises the service's own kind of ServiceError where calls of a key would be refused whatever they say:
    those are refused unread. ``at_once`` messages of each key are received at one time, so that neither key keeps the
    other out; flow control holds back who waits. As many more may take longer than ``prompt_seconds``: they make way
    for the next. ``room`` is that of the messages which are received and not answered yet.
    """

    def __init__(
        self,
        methods: frozenset[str],
        may_enter: Callable[[Role], None] = let_all_enter,
        *,
        at_once: int = AT_ONCE,
        seconds: float = SECONDS,
        prompt_seconds: float = PROMPT_SECONDS,
        room: MessageRoom | None = None,
    ) -> None:
        self.methods = methods
        self.may_enter = may_enter
        self.room = room or MessageRoom(size=sys.maxsize)
        self._seconds = seconds
        self._arrivals = {role: _Arrivals(at_once, prompt_seconds) for role in Role}

    async def receive(self, role: Role, context: "grpc.aio.ServicerContext[Any, Any]") -> Any:
        """Returns a call's message. Raises MessageTooSlow, and what ``may_enter`` raises where it waited in vain."""
        arrivals = self._arrivals[role]
        async with arrivals.place() as place:
            await self.room.wait()
            self.may_enter(role)
            arrivals.begin(place)
            try:
                async with asyncio.timeout(self._seconds):
                    message = await context.read()
            except TimeoutError:
                raise MessageTooSlow(
                    f"The call's message was not there after {self._seconds:.0f} seconds; send less in one call."
                ) from None
        if message is grpc.aio.EOF:
            raise Internal("The call ended without its message.")
        return message


class _Place:
    """Where one message is received."""

    timer: asyncio.TimerHandle | None = None


class _Arrivals:
    """The messages of one key that are on their way: some that are prompt, and as many that are late."""

    def __init__(self, at_once: int, prompt_seconds: float) -> None:
        self._at_once = at_once
        self._prompt_seconds = prompt_seconds
        self._prompt = asyncio.Semaphore(at_once)
        self._late: set[_Place] = set()
        # Late ones for which there is no place among the late yet, the first first.
        self._overdue: dict[_Place, None] = {}

    @asynccontextmanager
    async def place(self) -> AsyncIterator[_Place]:
        """Waits for a place among the prompt, which lasts as long as the block."""
        await self._prompt.acquire()
        place = _Place()
        try:
            yield place
        finally:
            self._leave(place)

    def begin(self, place: _Place) -> None:
        """Notes that a message may come from now on."""
        place.timer = asyncio.get_running_loop().call_later(self._prompt_seconds, self._be_late, place)

    def _be_late(self, place: _Place) -> None:
        self._overdue[place] = None
        self._make_way()

    def _leave(self, place: _Place) -> None:
        if place.timer is not None:
            place.timer.cancel()
        if place in self._late:
            self._late.remove(place)
            self._make_way()
        else:
            self._overdue.pop(place, None)
            self._prompt.release()

    def _make_way(self) -> None:
        while self._overdue and len(self._late) < self._at_once:
            place = next(iter(self._overdue))
            del self._overdue[place]
            self._late.add(place)
            self._prompt.release()


class OpenReception:
    """Receives the one small message of calls that need no key. Belongs to one event loop.

    Where ``at_once`` are on their way, the oldest is given up for the newest: an honest one is there at once.
    """

    def __init__(self, *, at_once: int = AT_ONCE, seconds: float = SECONDS) -> None:
        self._at_once = at_once
        self._seconds = seconds
        self._limits: deque[asyncio.Timeout] = deque()

    async def receive(self, context: "grpc.aio.ServicerContext[Any, Any]") -> Any:
        """Returns a call's message, None where none came in time."""
        if len(self._limits) >= self._at_once:
            self._limits.popleft().reschedule(asyncio.get_running_loop().time())
        try:
            async with asyncio.timeout(self._seconds) as limit:
                self._limits.append(limit)
                try:
                    message = await context.read()
                    return None if message is grpc.aio.EOF else message
                finally:
                    if limit in self._limits:
                        self._limits.remove(limit)
        except TimeoutError:
            return None
