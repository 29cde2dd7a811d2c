"""Answers on their way to the project service, to be kept there; never a reason for a prediction to wait or fail."""

import asyncio
import enum
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from customvision.common.errors import Internal, ResourceExhausted, ServiceError, Unavailable
from customvision.prediction.model import TagProbability
from customvision.prediction.publication import PublishedModel

MAX_QUEUED = 1000
MAX_QUEUED_BYTES = 64 * 1024 * 1024
MAX_BATCH = 64
# gRPC copies a message on the event loop: more at once would be a pause that callers feel.
MAX_BATCH_BYTES = 4 * 1024 * 1024
# About what the probability of one tag takes, waiting or in a message.
TAG_BYTES = 256
# While one is being sent, the next gathers.
SENDERS = 2
# How long the first of a batch waits for others: each call costs the processor more than a record does.
GATHER_SECONDS = 0.05
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

    @property
    def size_bytes(self) -> int:
        """About what it takes of memory while it waits, and of the message that it is sent in."""
        return len(self.image_data) + TAG_BYTES * len(self.predictions)


class DropReason(enum.StrEnum):
    """Why an answer was not kept."""

    QUEUE_FULL = "queue_full"
    REFUSED = "refused"
    FAILED = "failed"
    STOPPED = "stopped"


# Returns for each record, in order, None where it is kept or why it is not; raises where the call fails as a whole.
RecordPredictions = Callable[[Sequence[PredictionRecord]], Awaitable[Sequence[ServiceError | None]]]


class StoredPredictions:
    """A bounded queue with a few senders, each of which takes what has gathered. Belongs to one event loop.

    ``queued_count``, ``sent_count`` and ``dropped`` (by reason) count records since the start; ``unsent_count`` and
    ``unsent_bytes`` are what waits or is being sent now.
    """

    def __init__(self, record: RecordPredictions, *, max_queued: int = MAX_QUEUED) -> None:
        self._record = record
        self._max_queued = max_queued
        self._waiting: deque[PredictionRecord] = deque()
        self._arrived = asyncio.Event()
        self._gathering = asyncio.Lock()
        self._all_settled = asyncio.Event()
        self._all_settled.set()
        self.unsent_count = 0
        self.unsent_bytes = 0
        self.queued_count = 0
        self.sent_count = 0
        self.dropped: Counter[DropReason] = Counter()
        self._senders = [asyncio.create_task(self._send()) for _ in range(SENDERS)]

    def offer(self, record: PredictionRecord) -> bool:
        """Queues ``record`` and returns at once, in microseconds; False where there is no room and it was dropped."""
        size = record.size_bytes
        if self.unsent_count >= self._max_queued or self.unsent_bytes + size > MAX_QUEUED_BYTES:
            self._drop(record, DropReason.QUEUE_FULL, "The queue is full: the project service is away or slow.")
            return False
        self.queued_count += 1
        self.unsent_count += 1
        self.unsent_bytes += size
        self._waiting.append(record)
        self._arrived.set()
        self._all_settled.clear()
        return True

    async def close(self) -> None:
        """Sends what is queued, for two seconds at most, then drops the rest."""
        try:
            await asyncio.wait_for(self._all_settled.wait(), FLUSH_SECONDS)
        except TimeoutError:
            log.warning("stored predictions dropped at the end", count=self.unsent_count)
            self.dropped[DropReason.STOPPED] += self.unsent_count
        for sender in self._senders:
            sender.cancel()
        await asyncio.gather(*self._senders, return_exceptions=True)

    async def _send(self) -> None:
        while True:
            await self._deliver(await self._gathered())

    async def _gathered(self) -> list[PredictionRecord]:
        """Returns what waits, at most a batch, as soon as something does and others had time to join it."""
        # One at a time, so that a record wakes one sender.
        async with self._gathering:
            await self._arrived.wait()
            if len(self._waiting) < MAX_BATCH:
                await asyncio.sleep(GATHER_SECONDS)
            batch = [self._waiting.popleft()]
            room = MAX_BATCH_BYTES - batch[0].size_bytes
            while self._waiting and len(batch) < MAX_BATCH and self._waiting[0].size_bytes <= room:
                room -= self._waiting[0].size_bytes
                batch.append(self._waiting.popleft())
            if not self._waiting:
                self._arrived.clear()
            return batch

    async def _deliver(self, batch: list[PredictionRecord]) -> None:
        """Sends a batch until each of its records is kept or dropped."""
        pause = FIRST_PAUSE_SECONDS
        parts = deque([batch])
        while parts:
            part = parts.popleft()
            outcomes = await self._outcomes(part)
            again = self._settle(part, outcomes)
            if not again:
                pause = FIRST_PAUSE_SECONDS
                continue
            # In halves: one that cannot be kept, or takes too long, shall not take others with it.
            half = (len(again) + 1) // 2
            parts.extend(piece for piece in (again[:half], again[half:]) if piece)
            if any(map(_is_for_later, outcomes)):
                await asyncio.sleep(pause)
                pause = min(2 * pause, LAST_PAUSE_SECONDS)

    async def _outcomes(self, part: list[PredictionRecord]) -> Sequence[ServiceError | None]:
        try:
            return await self._record(part)
        except ServiceError as error:
            return [error] * len(part)
        except Exception:
            if len(part) == 1:
                log.exception("a stored prediction could not be sent")
            return [Internal("It could not be sent.")] * len(part)

    def _settle(self, part: list[PredictionRecord], outcomes: Sequence[ServiceError | None]) -> list[PredictionRecord]:
        """Lets go of the records that are kept or refused; returns those to send again."""
        again = []
        for record, outcome in zip(part, outcomes, strict=True):
            # An error of the other side's own may be another record's fault: alone it will show.
            if _is_for_later(outcome) or (isinstance(outcome, Internal) and len(part) > 1):
                again.append(record)
                continue
            if outcome is None:
                self.sent_count += 1
            else:
                reason = DropReason.FAILED if isinstance(outcome, Internal) else DropReason.REFUSED
                self._drop(record, reason, outcome.message)
            self.unsent_count -= 1
            self.unsent_bytes -= record.size_bytes
        if self.unsent_count == 0:
            self._all_settled.set()
        return again

    def _drop(self, record: PredictionRecord, reason: DropReason, problem: str) -> None:
        self.dropped[reason] += 1
        # One line for the first and each hundredth: a project that is away for long must not fill the log.
        if self.dropped[reason] % 100 == 1:
            log.warning(
                "a stored prediction was dropped",
                prediction_id=record.prediction_id,
                reason=reason.value,
                problem=problem,
                dropped=self.dropped[reason],
            )


def _is_for_later(outcome: ServiceError | None) -> bool:
    return isinstance(outcome, Unavailable | ResourceExhausted)
