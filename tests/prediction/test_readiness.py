"""When a prediction service says that it serves."""

import asyncio

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from customvision.common.status import error_from_call
from models import model
from pictures import photo
from prediction.running_suite import PATIENCE_SECONDS, Prediction, Suite

RED = photo(1, color=(220, 40, 90))
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def health(prediction: Prediction) -> int:
    """Returns the service's health now."""
    check = health_pb2_grpc.HealthStub(prediction.channel).Check
    return int((await check(health_pb2.HealthCheckRequest())).status)


async def until_serving(prediction: Prediction) -> None:
    """Waits until the service says that it serves."""
    watch = health_pb2_grpc.HealthStub(prediction.channel).Watch(health_pb2.HealthCheckRequest())
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for told in watch:
            if told.status == SERVING:
                break
    watch.cancel()


async def test_a_replica_that_knows_nothing_is_not_ready_and_denies_no_model(suite: Suite) -> None:
    """With an empty cache and without the project service nothing is NOT_FOUND; it serves once it was told."""
    suite.project.publish("p", "m", "i", model())
    await suite.stop_project()
    async with suite.prediction() as prediction:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await prediction.predict("p", "m", RED)
        assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
        assert error_from_call(raised.value, service="prediction").reason == "PUBLISHED_MODELS_UNKNOWN"
        assert await health(prediction) == NOT_SERVING
        await suite.start_project()
        await until_serving(prediction)
        assert (await prediction.predict("p", "m", RED)).iteration_id == "i"


async def test_a_replica_is_ready_once_each_model_was_tried(suite: Suite) -> None:
    """It waits for a first load that is under way, not for one that failed, and not for later ones."""
    slow = model(("x", "y"))
    held = suite.project.held[suite.project.add_artifact(slow.to_bytes())] = asyncio.Event()
    damaged = suite.project.add_artifact(b"not an artifact")
    suite.project.publish("p", "damaged", "i1", model_sha256=damaged, backbone_sha256=model().backbone_sha256)
    suite.project.publish("p", "slow", "i2", slow)
    async with suite.prediction() as prediction:
        await prediction.until(lambda models: [bool(m.failure_reason) for m in models] == [True, False])
        assert await health(prediction) == NOT_SERVING
        held.set()
        await until_serving(prediction)
        later = model(("later", "y"))
        suite.project.held[suite.project.add_artifact(later.to_bytes())] = asyncio.Event()
        suite.project.publish("p", "later", "i3", later)
        await prediction.until(lambda models: len(models) == 3)
        assert await health(prediction) == SERVING


async def test_what_was_served_before_makes_a_replica_ready_without_project(suite: Suite) -> None:
    """A restart while the project service is away serves what it remembers, and says so."""
    suite.project.publish("p", "m", "i", model())
    listed = suite.settings.home / "prediction" / "published.json"
    async with suite.prediction() as prediction:
        await prediction.serving("i")
        await prediction.until(lambda _: listed.exists() and "m" in listed.read_text())
    await suite.stop_project()
    async with suite.prediction() as prediction:
        await until_serving(prediction)
        assert (await prediction.predict("p", "m", RED)).iteration_id == "i"


async def test_what_is_remembered_and_cannot_be_loaded_makes_nothing_ready(suite: Suite) -> None:
    """A list without its artifacts is no reason to be called while the project service is away."""
    suite.project.publish("p", "m", "i", model())
    folder = suite.settings.home / "prediction"
    async with suite.prediction() as prediction:
        await prediction.serving("i")
        await prediction.until(lambda _: (folder / "published.json").exists())
    for artifact in (folder / "artifacts").iterdir():
        artifact.unlink()
    await suite.stop_project()
    async with suite.prediction() as prediction:
        await prediction.until(lambda models: bool(models) and bool(models[0].failure_reason))
        assert await health(prediction) == NOT_SERVING
        await suite.start_project()
        await until_serving(prediction)
