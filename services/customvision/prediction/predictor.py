"""Answers one image: finds the model, gets the image, computes on a thread, keeps the answer where asked."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from customvision.common.authentication import Role
from customvision.common.processors import available_cores
from customvision.common.url_fetching.errors import URL_ERRORS
from customvision.common.url_fetching.fetcher import UrlFetcher
from customvision.prediction.admission import Admission, Place
from customvision.prediction.caller import Caller
from customvision.prediction.iteration_models import IterationModels
from customvision.prediction.model import Model, TagProbability
from customvision.prediction.publication import PublishedModel
from customvision.prediction.question import Question
from customvision.prediction.refusals import Refusals
from customvision.prediction.registry import Registry
from customvision.prediction.residency import Residency
from customvision.prediction.stages import ObserveStage, Stage, unobserved
from customvision.prediction.stored_predictions import PredictionRecord, StoredPredictions
from customvision.prediction.worker_threads import WorkerThreads
from customvision.vision.decoding import MAX_BYTES, PictureIsLarge

# Half a second's work of two cores for one project alone, which may hold three eighths of it.
MAX_WAITING = 512
MAX_LOAD_WAIT_SECONDS = 10.0


@dataclass(frozen=True)
class Answer:
    """What a model said; ``prediction_id`` is empty unless the answer is being kept."""

    published: PublishedModel
    predictions: list[TagProbability]
    prediction_id: str


class Predictor:
    """Computes on its own threads: for one project two per core, for decoding one image fills the gaps of another.

    A third per core is there for other projects, so that nobody waits for the end of somebody else's slow images.
    Large pictures, each of which takes a second and hundreds of megabytes, have one thread of their own, in turns.
    ``admission`` tells how many questions have no answer yet; ``refusals`` counts those that got none.
    """

    def __init__(
        self,
        registry: Registry,
        iterations: IterationModels,
        fetcher: UrlFetcher,
        stored: StoredPredictions,
        residency: Residency,
        *,
        max_waiting: int = MAX_WAITING,
        observe: ObserveStage = unobserved,
    ) -> None:
        """``observe`` is told how long questions waited for a thread."""
        self.refusals = Refusals()
        self._observe = observe
        self._registry = registry
        self._iterations = iterations
        self._fetcher = fetcher
        self._stored = stored
        self.threads = WorkerThreads(3 * available_cores(), at_once=2 * available_cores())
        self._large_pictures = WorkerThreads(1, at_once=1)
        self.admission = Admission(self.threads.count + max_waiting)
        self._residency = residency

    @property
    def at_once(self) -> int:
        """How many questions of one batch or stream to work on at once: enough to keep its threads busy."""
        return 2 * self.threads.at_once

    @property
    def queued_count(self) -> int:
        """How many images wait for a thread."""
        return self.threads.queued_count + self._large_pictures.queued_count

    def may_enter(self, role: Role) -> None:
        """Raises PredictionQueueFull where a question with the key would be refused, whatever it asks."""
        with self.refusals:
            self.admission.check_entry(role, self._seconds_until_free)

    async def predict(self, question: Question, caller: Caller) -> Answer:
        """Answers a question.

        Raises what find_model and answer raise.
        """
        with self.refusals:
            question.check_model(caller)
            question.check_image()
            with self._place(question.project_id, caller, size_of(question)):
                model = await self._found_model(question, caller)
                return await self._answer(model, question, caller)

    def hold(self, questions: Sequence[Question], caller: Caller) -> Place:
        """Returns room for all the images of a message, to be held inside a ``with`` block until it is answered.

        Raises PredictionQueueFull.
        """
        size = sum(len(question.image_data) for question in questions)
        with self.refusals:
            return self._place(questions[0].project_id, caller, size)

    async def find_model(self, question: Question, caller: Caller) -> Model:
        """Returns the model that a question is for; its image does not matter.

        Raises what Question.check_model, Registry.find and IterationModels.find raise.
        """
        question.check_model(caller)
        return await self._found_model(question, caller)

    async def answer(self, model: Model, question: Question, caller: Caller) -> Answer:
        """Answers a question of a message that is held, with a model that was found before.

        Raises what Question.check_image, UrlFetcher.fetch and Residency.ready raise, PredictionQueueFull,
        PredictionTooLate, and the errors of customvision.vision.decoding.
        """
        with self.refusals:
            question.check_image()
            with self._place(question.project_id, caller, MAX_BYTES if question.image_url else 0):
                return await self._answer(model, question, caller)

    async def compute(self, model: Model, image_data: bytes, caller: Caller) -> list[TagProbability]:
        """Asks a model about an image, as soon as its network is in memory and a thread is free.

        Raises PredictionQueueFull, PredictionTooLate, what Residency.ready raises, and the errors of
        customvision.vision.decoding.
        """
        with self.refusals, self._place(model.published.name.project_id, caller, len(image_data)):
            return await self._compute(model, image_data, caller)

    def close(self) -> None:
        """Ends the threads, within twice CLOSE_SECONDS; what has not begun is not computed."""
        self.threads.close()
        self._large_pictures.close()

    def _place(self, project_id: str, caller: Caller, size: int) -> Place:
        return self.admission.place(caller.role, project_id, size, self._seconds_until_free)

    def _seconds_until_free(self) -> float:
        large = self._large_pictures.seconds_for(self._large_pictures.queued_count)
        return max(self.threads.seconds_for(self.admission.places.held), large)

    async def _found_model(self, question: Question, caller: Caller) -> Model:
        patience = _patience(caller)
        if question.iteration_id:
            return await self._iterations.find(question.project_id, question.iteration_id, seconds=patience)
        return await self._registry.find(question.project_id, question.publish_name, seconds=patience)

    async def _answer(self, model: Model, question: Question, caller: Caller) -> Answer:
        image_data = await self._image_data(question)
        predictions = await self._compute(model, image_data, caller)
        prediction_id = self._keep(model, image_data, predictions, question.application) if question.store else ""
        return Answer(model.published, predictions, prediction_id)

    async def _compute(self, model: Model, image_data: bytes, caller: Caller) -> list[TagProbability]:
        project_id = model.published.name.project_id
        async with self._residency.ready(model, _patience(caller)):
            work = partial(self._work, model, image_data, time.perf_counter())
            predictions = await self.threads.run(project_id, work, caller.deadline)
            if predictions is None:
                work_on_large = partial(model.predict, image_data, self.threads.one_works, large_too=True)
                predictions = await self._large_pictures.run(project_id, work_on_large, caller.deadline)
            return predictions

    def _work(self, model: Model, image_data: bytes, arrived: float) -> list[TagProbability] | None:
        """Returns what the model says; None, at once, where the header says that the picture is a large one."""
        self._observe(Stage.QUEUE, time.perf_counter() - arrived)
        try:
            return model.predict(image_data, self.threads.one_works)
        except PictureIsLarge:
            return None

    async def _image_data(self, question: Question) -> bytes:
        if not question.image_url:
            return question.image_data
        try:
            return await self._fetcher.fetch(question.image_url, MAX_BYTES, question.project_id)
        except URL_ERRORS as error:
            error.field = "image_url"
            raise

    def _keep(self, model: Model, image_data: bytes, predictions: list[TagProbability], application: str) -> str:
        record = PredictionRecord(str(uuid.uuid4()), model.published, image_data, tuple(predictions), application)
        return record.prediction_id if self._stored.offer(record) else ""


def size_of(question: Question) -> int:
    """Returns the bytes of a question's image; as many as there may be of one that is to be fetched."""
    return MAX_BYTES if question.image_url else len(question.image_data)


def _patience(caller: Caller) -> float:
    """Returns the seconds to wait for a model where the caller has so much time left."""
    left = MAX_LOAD_WAIT_SECONDS if caller.deadline is None else caller.deadline - time.monotonic()
    return min(left, MAX_LOAD_WAIT_SECONDS)
