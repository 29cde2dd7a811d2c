"""One prediction service in several processes at one address."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import grpc
import psutil
import pytest
import pytest_asyncio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from customvision.common.channel import open_channel
from customvision.common.errors import ConfigurationError
from customvision.common.folder_lock import FolderLock
from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.prediction.workers.supervision import serve_with_workers
from customvision.v1 import prediction_service_pb2 as messages
from models import model
from pictures import photo
from prediction.retrying_callers import asking
from prediction.running_suite import Suite
from prediction.running_workers import WorkersProcess, running_workers
from told_metrics import get_metrics, samples_of, until, value_of

REQUEST = messages.PredictRequest(project_id="p", publish_name="m", image_data=photo(1, color=(220, 40, 90)))
KEYS = Keys(training_key="t" * 64, prediction_key="p" * 64)
# They share the processes that one of them started.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def project(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Suite]:
    """A project double with one published model."""
    nowhere = "127.0.0.1:0"
    home = tmp_path_factory.mktemp("workers")
    suite = Suite(Settings(home, nowhere, nowhere, nowhere, nowhere), KEYS)
    await suite.start_project()
    suite.project.publish("p", "m", "i", model())
    yield suite
    await suite.stop_project()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pair(project: Suite) -> AsyncIterator[WorkersProcess]:
    """Two workers."""
    settings = project.settings
    async with running_workers(WorkersProcess(settings.home, settings.project_address, KEYS)) as process:
        yield process


async def test_they_serve_at_one_port_that_is_told_once(pair: WorkersProcess) -> None:
    """Port 0 becomes one real port for both, told in one line, and calls are answered there."""
    assert len(pair.logged("serving")) == 1
    assert not pair.address.endswith(":0")
    assert len(pair.workers()) == 2
    async with asking([pair.address], KEYS, REQUEST) as callers:
        await callers.more_answers(20)
    assert callers.errors == []


async def test_whichever_is_asked_tells_the_figures_of_all(pair: WorkersProcess) -> None:
    """Each connection leads to one worker, whose answer has both, by their numbers; answers add up."""
    for _ in range(4):
        async with open_channel(pair.address, KEYS) as channel:
            tell = partial(get_metrics, channel)
            await until(tell, "customvision_prediction_models", 2, state="available")
            text = await tell()
        told = {it.labels["worker"]: it.value for it in samples_of(text) if it.name == "process_start_time_seconds"}
        assert set(told) == {"1", "2"}
    before = value_of(text, "customvision_prediction_stage_seconds_count", stage="head") or 0
    async with asking([pair.address], KEYS, REQUEST) as callers:
        await callers.more_answers(20)
    async with open_channel(pair.address, KEYS) as channel:
        text = await get_metrics(channel)
    assert (value_of(text, "customvision_prediction_stage_seconds_count", stage="head") or 0) >= before + 20


async def test_each_has_its_own_links_to_what_is_on_the_disk_once(pair: WorkersProcess) -> None:
    """Both keep the model in a folder of their own, and one list says what a restart begins with."""
    folder = pair.home / "prediction"
    digest = model().backbone_sha256
    await pair.until(lambda: (folder / "published.json").exists())
    assert (folder / "artifacts" / digest).exists()
    assert (folder / "artifacts-2" / digest).exists()


async def test_folder_and_port_are_taken(pair: WorkersProcess, project: Suite, tmp_path: Path) -> None:
    """A second service is refused on the same folder, and at the same address also with several workers."""
    with pytest.raises(ConfigurationError, match="serve prediction"):
        FolderLock(pair.home / "prediction", user="serve prediction")
    other = dataclasses.replace(project.settings, home=tmp_path, prediction_address=pair.address, prediction_workers=2)
    with pytest.raises(ConfigurationError, match="CUSTOMVISION_PREDICTION_ADDRESS"):
        await serve_with_workers(other, asyncio.Event())


async def test_no_call_fails_when_one_is_killed(pair: WorkersProcess) -> None:
    """Callers with the standard retry policy notice nothing of a kill -9; the worker is started again."""
    before = [worker.pid for worker in pair.workers()]
    async with asking([pair.address], KEYS, REQUEST) as callers:
        await callers.more_answers(20)
        pair.workers()[1].kill()
        await callers.more_answers(50)
        await pair.until(lambda: [entry["worker"] for entry in pair.logged("a worker serves")].count(2) == 2, 30)
    after = [worker.pid for worker in pair.workers()]
    assert callers.errors == []
    assert pair.logged("prediction (worker 2) was killed by SIGKILL; starting it again")
    assert after[0] == before[0]
    assert after[1] != before[1]


async def test_they_drain_together(pair: WorkersProcess) -> None:
    """SIGTERM to the process above has the workers tell NOT_SERVING, end in order, and leave folder and port free."""
    workers = pair.workers()
    async with grpc.aio.insecure_channel(pair.address) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        told = aiter(watch)
        while (await anext(told)).status != health_pb2.HealthCheckResponse.SERVING:
            pass
        assert pair.process is not None
        pair.process.terminate()
        assert (await anext(told)).status == health_pb2.HealthCheckResponse.NOT_SERVING
    assert await pair.ended() == 0
    assert not any(worker.is_running() for worker in workers)
    FolderLock(pair.home / "prediction", user="serve prediction").release()


async def test_they_end_when_the_process_above_is_killed(project: Suite, tmp_path: Path) -> None:
    """Workers without a supervisor drain, and hold the folder until they are gone."""
    async with running_workers(WorkersProcess(tmp_path, project.settings.project_address, KEYS)) as orphans:
        workers = orphans.workers()
        assert orphans.process is not None
        orphans.process.kill()
        await orphans.process.wait()
        await orphans.ended()
        _, alive = await asyncio.to_thread(psutil.wait_procs, workers, 10)
        assert not alive
        FolderLock(tmp_path / "prediction", user="serve prediction").release()
