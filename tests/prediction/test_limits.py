"""What prediction refuses to do, and what its process is made of."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import cast

import pytest

from customvision.common.authentication import Role
from customvision.common.errors import NotFound
from customvision.common.notifier import ServiceStopping
from customvision.common.processors import available_cores
from customvision.common.url_fetching.addresses import AllowedHosts
from customvision.common.url_fetching.fetcher import UrlFetcher
from customvision.prediction.caller import Caller
from customvision.prediction.errors import PredictionQueueFull, PredictionTooLate
from customvision.prediction.heads import read_head
from customvision.prediction.iteration_models import IterationModels
from customvision.prediction.model import Model, TagProbability
from customvision.prediction.network import Network
from customvision.prediction.predictor import Answer, Predictor
from customvision.prediction.publication import ModelName, PublishedModel
from customvision.prediction.question import Question
from customvision.prediction.registry import Registry
from customvision.prediction.residency import Residency
from customvision.prediction.stored_predictions import StoredPredictions
from customvision.vision.decoding import PictureIsLarge
from customvision.vision.trunk import Trunk
from models import model
from prediction.running_suite import PATIENCE_SECONDS

WORKERS = 2 * available_cores()
ANYONE = Caller(Role.PREDICTION)
LARGE = b"large"


class HeldModel(Model):
    """Answers when released; ``asked`` counts the images that a thread has begun. LARGE stands for a large picture."""

    released = threading.Event()
    asked: list[bytes] = []  # noqa: RUF012 - shared on purpose; the instance is frozen

    def predict(self, image_data: bytes, _: Callable[[], bool], *, large_too: bool = False) -> list[TagProbability]:
        """Waits for the release."""
        if image_data == LARGE and not large_too:
            raise PictureIsLarge
        self.asked.append(image_data)
        self.released.wait(PATIENCE_SECONDS)
        return []


async def load(published: PublishedModel) -> Model:
    """Returns a model that is held."""
    network = Network("", trunk=cast("Trunk", object()))
    return HeldModel(published, read_head(model().to_bytes()), network, datetime.now(UTC))


async def no_trunk(_: Network) -> Trunk:
    """Has nothing to load."""
    raise AssertionError


async def record(records: Sequence[object]) -> list[None]:
    """Keeps nothing."""
    return [None for _ in records]


async def no_iteration(_project_id: str, _iteration_id: str) -> PublishedModel:
    """Knows no iteration."""
    raise NotFound("There is no such iteration.")


def question(image_data: bytes = b"", project_id: str = "p") -> Question:
    """Returns a question to the model that is held."""
    return Question(project_id, "m", image_data=image_data)


async def predictor_of(max_waiting: int) -> AsyncIterator[Predictor]:
    """Yields a predictor in whose queue so many calls may wait, asking models that are held."""
    HeldModel.released.clear()
    HeldModel.asked.clear()
    registry = Registry(load)
    for project_id in ("p", "other"):
        registry.publish(PublishedModel(ModelName(project_id, "m"), "i", "", ""))
    stored = StoredPredictions(record)
    iterations = IterationModels(no_iteration, load, on_drop=lambda: None)
    fetcher = UrlFetcher(AllowedHosts())
    residency = Residency(no_trunk, 0)
    predictor = Predictor(registry, iterations, fetcher, stored, residency, max_waiting=max_waiting)
    yield predictor
    HeldModel.released.set()
    predictor.close()
    fetcher.close()
    await stored.close()
    registry.close()


@pytest.fixture
async def predictor() -> AsyncIterator[Predictor]:
    """A predictor where one project has room for two more calls than it has threads."""
    async for predictor in predictor_of(max_waiting=_places_for(WORKERS + 2) - 3 * available_cores()):
        yield predictor


def _places_for(calls: int) -> int:
    """Returns how many places there must be for one project to get so many: half of three quarters."""
    return -(-8 * calls // 3)


async def begun(predictor: Predictor, count: int) -> "list[asyncio.Task[object]]":
    """Asks so many times and returns once every thread of the project is busy."""
    calls: list[asyncio.Task[object]] = [
        asyncio.create_task(predictor.predict(question(str(number).encode()), ANYONE)) for number in range(count)
    ]
    await until(lambda: len(HeldModel.asked) == min(count, WORKERS) and predictor.admission.places.held == count)
    return calls


async def until(condition: Callable[[], bool]) -> None:
    """Waits until a condition holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


async def test_refuses_more_calls_than_can_wait(predictor: Predictor) -> None:
    """A call past the limit is refused at once and told when to come back; those before it are answered."""
    calls = await begun(predictor, WORKERS + 2)
    with pytest.raises(PredictionQueueFull, match="try again") as refusal:
        await predictor.predict(question(), ANYONE)
    assert refusal.value.retry_after is not None
    assert 0 < refusal.value.retry_after <= 30
    assert predictor.admission.refused_count == 1
    HeldModel.released.set()
    await asyncio.gather(*calls)
    await predictor.predict(question(), ANYONE)


async def test_does_not_compute_for_a_caller_that_has_gone(predictor: Predictor) -> None:
    """A call that is cancelled while it waits never reaches a thread, and leaves room for another."""
    calls = await begun(predictor, WORKERS + 2)
    for gone in calls[WORKERS:]:
        gone.cancel()
    await asyncio.gather(*calls[WORKERS:], return_exceptions=True)
    assert predictor.threads.queued_count == 0
    HeldModel.released.set()
    await asyncio.gather(*calls[:WORKERS])
    await predictor.predict(question(b"last"), ANYONE)
    assert len(HeldModel.asked) == WORKERS + 1
    assert HeldModel.asked[-1] == b"last"


async def test_does_not_compute_what_comes_too_late(predictor: Predictor) -> None:
    """A call whose time is over when a thread takes it up never reaches the model."""
    calls = await begun(predictor, WORKERS)
    late = asyncio.create_task(predictor.predict(question(b"late"), Caller(Role.TRAINING, time.monotonic())))
    await until(lambda: predictor.threads.queued_count == 1)
    HeldModel.released.set()
    with pytest.raises(PredictionTooLate):
        await late
    await asyncio.gather(*calls)
    assert b"late" not in HeldModel.asked


async def test_a_project_that_floods_holds_up_no_other(predictor: Predictor) -> None:
    """While one project has all the threads that it may have and more waiting, another's call is begun at once."""
    calls = await begun(predictor, WORKERS + 2)
    other = asyncio.create_task(predictor.predict(question(b"other", "other"), ANYONE))
    await until(lambda: len(HeldModel.asked) == WORKERS + 1)
    assert HeldModel.asked[-1] == b"other"
    HeldModel.released.set()
    await asyncio.gather(other, *calls)


async def test_large_pictures_take_no_thread_from_other_questions(predictor: Predictor) -> None:
    """While large pictures of two projects wait for their one thread, every other thread is free for ordinary ones."""
    large = [asyncio.create_task(predictor.predict(question(LARGE, name), ANYONE)) for name in ("p", "p", "other")]
    await until(lambda: predictor.queued_count == 2 and HeldModel.asked == [LARGE])
    calls = [asyncio.create_task(predictor.predict(question(b"ordinary"), ANYONE)) for _ in range(WORKERS - 2)]
    other = asyncio.create_task(predictor.predict(question(b"ordinary", "other"), ANYONE))
    await until(lambda: HeldModel.asked.count(b"ordinary") == WORKERS - 1)
    assert HeldModel.asked.count(LARGE) == 1
    HeldModel.released.set()
    assert [answer.predictions for answer in await asyncio.gather(*large, *calls, other)] == [[]] * (WORKERS + 2)


async def test_a_question_holds_its_place_while_its_model_loads(predictor: Predictor) -> None:
    """Calls that wait for a model, not for a thread, are bounded, too."""
    never_loaded = question(project_id="elsewhere")
    calls = [asyncio.create_task(predictor.predict(never_loaded, ANYONE)) for _ in range(WORKERS + 3)]
    await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    assert [isinstance(call.exception(), PredictionQueueFull) for call in calls if call.done()] == [True]
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert predictor.admission.places.held == 0


async def test_what_has_not_begun_is_not_computed_at_the_end(predictor: Predictor) -> None:
    """Closing waits for what threads do; the rest, and whoever comes later, is told that the service stops."""
    calls = await begun(predictor, WORKERS + 2)
    threading.Timer(0.05, HeldModel.released.set).start()
    predictor.close()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Answer] * WORKERS + [ServiceStopping] * 2
    with pytest.raises(ServiceStopping):
        await predictor.predict(question(), ANYONE)
    assert len(HeldModel.asked) == WORKERS


def test_never_imports_a_training_framework() -> None:
    """The whole service is loaded without TensorFlow or Keras."""
    program = (
        "import sys, customvision.prediction.__main__\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in ('tensorflow', 'keras', 'jax', 'torch')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
