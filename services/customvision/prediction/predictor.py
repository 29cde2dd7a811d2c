"""Answers one image: finds the model, computes on a thread, keeps the answer where asked."""

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from customvision.common.processors import available_cores
from customvision.prediction.errors import PredictionQueueFull
from customvision.prediction.model import Model, TagProbability
from customvision.prediction.publication import PublishedModel
from customvision.prediction.registry import Registry
from customvision.prediction.stored_predictions import PredictionRecord, StoredPredictions

MAX_WAITING = 256
MAX_LOAD_WAIT_SECONDS = 10.0


@dataclass(frozen=True)
class Answer:
    """What a model said; ``prediction_id`` is empty unless the answer is being kept."""

    published: PublishedModel
    predictions: list[TagProbability]
    prediction_id: str


class Predictor:
    """Computes on its own threads: two for each core, for decoding one image fills the gaps of another."""

    def __init__(self, registry: Registry, stored: StoredPredictions, *, max_waiting: int = MAX_WAITING) -> None:
        workers = 2 * available_cores()
        self._registry = registry
        self._stored = stored
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="predict")
        self._max_pending = workers + max_waiting
        self._pending = 0

    async def predict(
        self, project_id: str, publish_name: str, image_data: bytes, *, store: bool, seconds: float | None
    ) -> Answer:
        """Answers ``image_data``. ``seconds`` are left to the caller, None for no limit.

        Raises PredictionQueueFull, the errors of Registry.find, and those of customvision.vision.decoding.
        """
        patience = MAX_LOAD_WAIT_SECONDS if seconds is None else min(seconds, MAX_LOAD_WAIT_SECONDS)
        model = await self._registry.find(project_id, publish_name, seconds=patience)
        predictions = await self._compute(model, image_data)
        prediction_id = self._keep(model, image_data, predictions) if store else ""
        return Answer(model.published, predictions, prediction_id)

    def close(self) -> None:
        """Ends the threads; what has not begun is not computed."""
        self._executor.shutdown(cancel_futures=True)

    async def _compute(self, model: Model, image_data: bytes) -> list[TagProbability]:
        if self._pending >= self._max_pending:
            raise PredictionQueueFull(
                f"{self._pending} predictions wait already; try again in a moment, or with fewer callers.",
                metadata={"waiting": str(self._pending)},
            )
        self._pending += 1
        try:
            # A caller that goes away cancels this coroutine, and with it the work if no thread has begun it.
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._executor, model.predict, image_data)
        finally:
            self._pending -= 1

    def _keep(self, model: Model, image_data: bytes, predictions: list[TagProbability]) -> str:
        record = PredictionRecord(str(uuid.uuid4()), model.published, image_data, tuple(predictions))
        return record.prediction_id if self._stored.offer(record) else ""
