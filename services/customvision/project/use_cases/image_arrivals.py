"""Tells watchers of the images that there are and of each that comes."""

from collections.abc import AsyncGenerator

from customvision.common.database import Database
from customvision.common.notifier import Notifier, ServiceStopping, wait
from customvision.project.domain.image_arrival import ImageArrival, SequenceInvalid
from customvision.project.store import image_arrivals
from customvision.project.use_cases.publishing import HEARTBEAT_SECONDS

IMAGES_A_BATCH = 1000
_TOPIC = "images"


class ImageArrivals:
    """The images of all projects in order of creation, with no end."""

    def __init__(self, database: Database, notifier: Notifier, *, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        self._database = database
        self._notifier = notifier
        self._heartbeat_seconds = heartbeat_seconds

    def announce(self) -> None:
        """Wakes the watchers, who then read what was stored."""
        self._notifier.touch(_TOPIC)

    async def watch(self, after_sequence: int) -> AsyncGenerator[list[ImageArrival], None]:
        """Yields images after the sequence in batches of at most 1,000; an empty batch where all is quiet.

        An image that was deleted before its batch was read is left out; one that is uploaded again while an iteration
        holds it keeps its old place, and is not told anew. Raises SequenceInvalid, and ServiceStopping when the service
        stops.
        """
        if after_sequence < 0:
            raise SequenceInvalid
        last = after_sequence
        while True:
            touched = self._notifier.subscribe(_TOPIC)
            batch = await self._database.read(
                lambda connection, last=last: image_arrivals.after(  # type: ignore[misc]
                    connection, last, limit=IMAGES_A_BATCH
                )
            )
            if self._notifier.closed:
                raise ServiceStopping
            if batch:
                last = batch[-1].sequence
                yield batch
            elif not await wait(touched, self._heartbeat_seconds):
                yield []
