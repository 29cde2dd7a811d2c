"""Answers on their way to the project service, to be kept there; never a reason for a prediction to wait or fail."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from customvision.common.errors import ResourceExhausted, ServiceError, Unavailable
from customvision.prediction.model import TagProbability
from customvision.prediction.publication import PublishedModel

MAX_QUEUED = 1000
MAX_QUEUED_BYTES = 64 * 1024 * 1024
SENDERS = 4
FIRST_PAUSE_SECONDS = 0.5
LAST_PAUSE_SECONDS = 10.0
FLUSH_SECONDS = 2.0

log = structlog.get_logger()


@dataclass(frozen=True)
class PredictionRecord:
    """An answer to keep, with the image's bytes as they came, and the caller's label."""

    prediction_id: str
    published: PublishedModel
    image_data: bytes
    predictions: tuple[TagProbability, ...]
    application: str = ""


RecordPrediction = Callable[[PredictionRecord], Awaitable[None]]


class StoredPredictions:
    """A bounded queue with a few senders. Belongs to one event loop.

    ``sent_count`` counts what was kept, ``dropped`` by reason what was not; ``unsent_count`` is what waits, or is being
    sent.
    """

    def __init__(self, record: RecordPrediction, *, max_queued: int = MAX_QUEUED) -> None:
        self._record = record
        self._max_queued = max_queued
        self._queue: asyncio.Queue[PredictionRecord] = asyncio.Queue()
        self.unsent_count = 0
        self._unsent_bytes = 0
        self.sent_count = 0
        self.dropped: Counter[str] = Counter()
        self._senders = [asyncio.create_task(self._send()) for _ in range(SENDERS)]

    def offer(self, record: PredictionRecord) -> bool:
        """Queues ``record`` and returns at once; False where there is no room and it was dropped."""
        size = len(record.image_data)
        if self.unsent_count >= self._max_queued or self._unsent_bytes + size > MAX_QUEUED_BYTES:
            self._drop(record, "queue_full", "The queue is full: the project service is away or slow.")
            return False
        self.unsent_count += 1
        self._unsent_bytes += size
        self._queue.put_nowait(record)
        return True

    async def close(self) -> None:
        """Sends what is queued, for two seconds at most, then drops the rest."""
        try:
            await asyncio.wait_for(self._queue.join(), FLUSH_SECONDS)
        except TimeoutError:
            log.warning("stored predictions dropped at the end", count=self.unsent_count)
            self.dropped["stopped"] += self.unsent_count
        for sender in self._senders:
            sender.cancel()
        await asyncio.gather(*self._senders, return_exceptions=True)

    async def _send(self) -> None:
        while True:
            record = await self._queue.get()
            try:
                await self._record_until_answered(record)
            finally:
                self.unsent_count -= 1
                self._unsent_bytes -= len(record.image_data)
                self._queue.task_done()

    async def _record_until_answered(self, record: PredictionRecord) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                await self._record(record)
                self.sent_count += 1
                return
            except (Unavailable, ResourceExhausted):
                await asyncio.sleep(pause)
                pause = min(2 * pause, LAST_PAUSE_SECONDS)
            except ServiceError as error:
                self._drop(record, "refused", error.message)
                return
            except Exception:
                log.exception("a stored prediction could not be sent")
                self._drop(record, "failed", "It could not be sent.")
                return

    def _drop(self, record: PredictionRecord, reason: str, problem: str) -> None:
        self.dropped[reason] += 1
        count = self.dropped.total()
        # One line for the first and each hundredth: a project that is away for long must not fill the log.
        if count % 100 == 1:
            log.warning(
                "a stored prediction was dropped",
                prediction_id=record.prediction_id,
                problem=problem,
                dropped=count,
            )
