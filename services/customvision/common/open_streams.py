"""Streams of callers' messages that are open: a bounded number with each key, of which silent ones give way."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from customvision.common.authentication import Role
from customvision.common.errors import ResourceExhausted, Unavailable

# Each may have a message on its way, of up to 32 MiB.
MOST = 32
SILENT_SECONDS = 30.0


class TooManyStreams(ResourceExhausted):
    """As many streams are open with the key as may be, and none is silent."""

    reason = "TOO_MANY_STREAMS"
    retry_after = 1.0


class StreamSilent(Unavailable):
    """The stream was silent for long, and another caller needed its place; one that is opened again goes on."""

    reason = "STREAM_SILENT"


class StreamPlace:
    """The place of one stream."""

    def __init__(self, end: asyncio.Timeout, silent_seconds: float) -> None:
        self._end = end
        self._silent_seconds = silent_seconds
        self._sending = False
        self._given_up = False
        self.heard = time.monotonic()

    def note(self) -> None:
        """Notes a sign of life: a message was read, an answer was ready or taken."""
        self.heard = time.monotonic()

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Stands around the handing over of an answer. Raises StreamSilent where the place was given up meanwhile."""
        self._sending = True
        try:
            yield
        finally:
            self._sending = False
        self.note()
        if self._given_up:
            raise self.silent()

    def give_up(self) -> None:
        """Ends the stream: now, or once its caller has taken the answer that is on its way, for gRPC cannot sooner."""
        self._given_up = True
        if not self._sending:
            self._end.reschedule(asyncio.get_running_loop().time())

    def silent(self) -> StreamSilent:
        """Returns why it ends."""
        return StreamSilent(
            f"Nothing was asked or taken for {self._silent_seconds:.0f} seconds, and another stream needed the place; "
            "open it again."
        )


class OpenStreams:
    """Belongs to one event loop. Of each key ``most`` streams may be open."""

    def __init__(self, *, most: int = MOST, silent_seconds: float = SILENT_SECONDS) -> None:
        self._most = most
        self._silent_seconds = silent_seconds
        self._places: dict[Role, set[StreamPlace]] = {role: set() for role in Role}

    @asynccontextmanager
    async def place(self, role: Role) -> AsyncIterator[StreamPlace]:
        """Has a place inside the block, where need be that of the stream that has been silent longest.

        Raises TooManyStreams where none has been for long; StreamSilent where the place is given to another.
        """
        places = self._places[role]
        if len(places) >= self._most:
            self._make_room(places)
        try:
            async with asyncio.timeout(None) as end:
                place = StreamPlace(end, self._silent_seconds)
                places.add(place)
                try:
                    yield place
                finally:
                    places.discard(place)
        except TimeoutError as error:
            if not end.expired():
                raise
            raise place.silent() from error

    def _make_room(self, places: set[StreamPlace]) -> None:
        longest = min(places, key=lambda place: place.heard)
        if time.monotonic() - longest.heard < self._silent_seconds:
            raise TooManyStreams(
                f"{len(places)} streams are open with this key; end one, or try again in a moment.",
                metadata={"open": str(len(places)), "max_open": str(self._most)},
            )
        places.discard(longest)
        longest.give_up()
