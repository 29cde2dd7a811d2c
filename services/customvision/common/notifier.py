"""Wakes the watchers of a topic; the data always comes from the store, so a wake-up can be missed or doubled safely."""

import asyncio
from weakref import WeakValueDictionary

from customvision.common.errors import Unavailable


class ServiceStopping(Unavailable):
    """The service stops, so a watch ends; one that is opened again goes on where it was."""

    reason = "SERVICE_STOPPING"

    def __init__(self) -> None:
        super().__init__("The service is stopping; connect again in a moment and go on where you were.")


class Notifier:
    """Lets coroutines of one event loop wait until a topic is touched."""

    def __init__(self) -> None:
        # Held by those who wait: a topic that nobody waits for takes no room.
        self._events: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()
        self._closed = False

    @property
    def closed(self) -> bool:
        """True once the service drains; watchers then end."""
        return self._closed

    def touch(self, topic: str) -> None:
        """Wakes everyone who waits for ``topic``."""
        event = self._events.pop(topic, None)
        if event is not None:
            event.set()

    def touch_all(self) -> None:
        """Wakes everyone."""
        for topic in list(self._events):
            self.touch(topic)

    def close(self) -> None:
        """Wakes everyone for good."""
        self._closed = True
        self.touch_all()

    def subscribe(self, topic: str) -> asyncio.Event:
        """Returns the event that the next touch sets. Subscribe first, then read the store, then wait."""
        event = self._events.get(topic)
        if event is None:
            event = self._events[topic] = asyncio.Event()
        if self._closed:
            event.set()
        return event


async def wait(event: asyncio.Event, seconds: float) -> bool:
    """Waits for ``event`` at most so long; returns whether it was set."""
    try:
        # Not wait_for: on Python 3.11 it swallows a cancellation that comes together with the event.
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
