"""What prediction refuses to do, and what its process is made of."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import cast

import pytest

from customvision.common.errors import NotFound
from customvision.common.processors import available_cores
from customvision.common.url_fetching.addresses import AllowedHosts
from customvision.common.url_fetching.fetcher import UrlFetcher
from customvision.prediction.errors import PredictionQueueFull
from customvision.prediction.heads import read_head
from customvision.prediction.iteration_models import IterationModels
from customvision.prediction.model import Model, TagProbability
from customvision.prediction.network import Network
from customvision.prediction.predictor import Predictor
from customvision.prediction.publication import ModelName, PublishedModel
from customvision.prediction.question import Question
from customvision.prediction.registry import Registry
from customvision.prediction.residency import Residency
from customvision.prediction.stored_predictions import StoredPredictions
from customvision.vision.trunk import Trunk
from models import model
from prediction.running_suite import PATIENCE_SECONDS

WORKERS = 2 * available_cores()


class HeldModel(Model):
    """Answers when released; ``asked`` counts the images that a thread has begun."""

    released = threading.Event()
    asked: list[bytes] = []  # noqa: RUF012 - shared on purpose; the instance is frozen

    def predict(self, image_data: bytes) -> list[TagProbability]:
        """Waits for the release."""
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


async def record(_: object) -> None:
    """Keeps nothing."""


async def no_iteration(_project_id: str, _iteration_id: str) -> PublishedModel:
    """Knows no iteration."""
    raise NotFound("There is no such iteration.")


def question(image_data: bytes = b"") -> Question:
    """Returns a question to the model that is held."""
    return Question("p", "m", image_data=image_data)


@pytest.fixture
async def predictor() -> AsyncIterator[Predictor]:
    """A predictor in whose queue two calls may wait, asking a model that is held."""
    HeldModel.released.clear()
    HeldModel.asked.clear()
    registry = Registry(load)
    registry.publish(PublishedModel(ModelName("p", "m"), "i", "", ""))
    stored = StoredPredictions(record)
    iterations = IterationModels(no_iteration, load, on_drop=lambda: None)
    fetcher = UrlFetcher(AllowedHosts())
    residency = Residency(no_trunk, 0)
    predictor = Predictor(registry, iterations, fetcher, stored, residency, max_waiting=2)
    yield predictor
    HeldModel.released.set()
    predictor.close()
    fetcher.close()
    await stored.close()
    registry.close()


async def begun(predictor: Predictor, count: int) -> "list[asyncio.Task[object]]":
    """Asks so many times and returns once every thread is busy."""
    calls: list[asyncio.Task[object]] = [
        asyncio.create_task(predictor.predict(question(str(number).encode()), seconds=None)) for number in range(count)
    ]
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(HeldModel.asked) < min(count, WORKERS) or predictor._pending < count:
            await asyncio.sleep(0.01)
    return calls


async def test_refuses_more_calls_than_can_wait(predictor: Predictor) -> None:
    """A call past the limit is refused at once; those before it are answered."""
    calls = await begun(predictor, WORKERS + 2)
    with pytest.raises(PredictionQueueFull, match="try again"):
        await predictor.predict(question(), seconds=None)
    HeldModel.released.set()
    await asyncio.gather(*calls)
    await predictor.predict(question(), seconds=None)


async def test_does_not_compute_for_a_caller_that_has_gone(predictor: Predictor) -> None:
    """A call that is cancelled while it waits never reaches a thread, and leaves room for another."""
    calls = await begun(predictor, WORKERS + 2)
    for gone in calls[WORKERS:]:
        gone.cancel()
    await asyncio.gather(*calls[WORKERS:], return_exceptions=True)
    HeldModel.released.set()
    await asyncio.gather(*calls[:WORKERS])
    await predictor.predict(question(b"last"), seconds=None)
    assert len(HeldModel.asked) == WORKERS + 1
    assert HeldModel.asked[-1] == b"last"


def test_never_imports_a_training_framework() -> None:
    """The whole service is loaded without TensorFlow or Keras."""
    program = (
        "import sys, customvision.prediction.__main__\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in ('tensorflow', 'keras', 'jax', 'torch')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
