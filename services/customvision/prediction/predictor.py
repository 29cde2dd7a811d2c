"""Answers one image: finds the model, gets the image, computes on a thread, keeps the answer where asked."""

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from customvision.common.processors import available_cores
from customvision.common.url_fetching.errors import URL_ERRORS
from customvision.common.url_fetching.fetcher import UrlFetcher
from customvision.prediction.errors import PredictionQueueFull
from customvision.prediction.iteration_models import IterationModels
from customvision.prediction.model import Model, TagProbability
from customvision.prediction.publication import PublishedModel
from customvision.prediction.question import Question
from customvision.prediction.registry import Registry
from customvision.prediction.residency import Residency
from customvision.prediction.stored_predictions import PredictionRecord, StoredPredictions
from customvision.vision.decoding import MAX_BYTES

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

    def __init__(
        self,
        registry: Registry,
        iterations: IterationModels,
        fetcher: UrlFetcher,
        stored: StoredPredictions,
        residency: Residency,
        *,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        workers = 2 * available_cores()
        self._registry = registry
        self._iterations = iterations
        self._fetcher = fetcher
        self._stored = stored
        self._residency = residency
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="predict")
        self._max_pending = workers + max_waiting
        self._pending = 0

    async def predict(self, question: Question, *, seconds: float | None) -> Answer:
        """Answers a question. ``seconds`` are left to the caller, None for no limit.

        Raises what Question.check, Registry.find, IterationModels.find and UrlFetcher.fetch raise,
        PredictionQueueFull, and the errors of customvision.vision.decoding.
        """
        question.check()
        model = await self._model(question, seconds)
        image_data = await self._image_data(question)
        predictions = await self.compute(model, image_data, seconds=seconds)
        prediction_id = self._keep(model, image_data, predictions, question.application) if question.store else ""
        return Answer(model.published, predictions, prediction_id)

    async def compute(self, model: Model, image_data: bytes, *, seconds: float | None = None) -> list[TagProbability]:
        """Asks a model about an image, as soon as its network is in memory and a thread is free.

        ``seconds`` are left to the caller, None for no limit. Raises PredictionQueueFull, what Residency.ready raises,
        and the errors of customvision.vision.decoding.
        """
        async with self._residency.ready(model, _patience(seconds)):
            return await self._computed(model, image_data)

    def close(self) -> None:
        """Ends the threads; what has not begun is not computed."""
        self._executor.shutdown(cancel_futures=True)

    async def _computed(self, model: Model, image_data: bytes) -> list[TagProbability]:
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

    async def _model(self, question: Question, seconds: float | None) -> Model:
        patience = _patience(seconds)
        if question.iteration_id:
            return await self._iterations.find(question.project_id, question.iteration_id, seconds=patience)
        return await self._registry.find(question.project_id, question.publish_name, seconds=patience)

    async def _image_data(self, question: Question) -> bytes:
        if not question.image_url:
            return question.image_data
        try:
            return await self._fetcher.fetch(question.image_url, MAX_BYTES)
        except URL_ERRORS as error:
            error.field = "image_url"
            raise

    def _keep(self, model: Model, image_data: bytes, predictions: list[TagProbability], application: str) -> str:
        record = PredictionRecord(str(uuid.uuid4()), model.published, image_data, tuple(predictions), application)
        return record.prediction_id if self._stored.offer(record) else ""


def _patience(seconds: float | None) -> float:
    """Returns how long to wait for a model where ``seconds`` are left to the caller."""
    return MAX_LOAD_WAIT_SECONDS if seconds is None else min(seconds, MAX_LOAD_WAIT_SECONDS)
