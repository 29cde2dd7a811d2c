"""StartExport, ListExports and GetExportContent over the wire, with real models."""

import asyncio
import contextlib
import io
import json
import signal
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import grpc
import psutil

from customvision.common.channel import open_channel
from customvision.common.keys import load_or_create_keys
from customvision.common.settings import Settings
from customvision.v1 import iterations_pb2, training_service_pb2
from customvision.v1.training_service_pb2_grpc import TrainingServiceStub
from project_calls import MISSING, refusal_of
from training_process import TrainingProcess, training_process
from training_suite import TrainingSuite

OPENVINO = training_service_pb2.EXPORT_FORMAT_OPENVINO
EXPORTING = training_service_pb2.EXPORT_STATE_EXPORTING
DONE = training_service_pb2.EXPORT_STATE_DONE


async def trained(suite: TrainingSuite) -> dict[str, str]:
    """Trains a project; returns the ids of project and iteration by the names of their fields."""
    project_id, _ = await suite.colored_project(per_tag=5)
    run = await suite.finished(await suite.start(project_id))
    return {"project_id": project_id, "iteration_id": run.iteration_id}


async def start(suite: TrainingSuite, **fields: Any) -> training_service_pb2.Export:
    """Starts an export."""
    return await suite.training.StartExport(training_service_pb2.StartExportRequest(**fields))


async def listed(suite: TrainingSuite, ids: dict[str, str]) -> list[training_service_pb2.Export]:
    """Returns the exports of an iteration."""
    return list((await suite.training.ListExports(training_service_pb2.ListExportsRequest(**ids))).exports)


async def ended(suite: TrainingSuite, ids: dict[str, str]) -> list[training_service_pb2.Export]:
    """Returns the exports of an iteration once none is being made."""
    async with asyncio.timeout(120):
        while True:
            exports = await listed(suite, ids)
            if all(export.state != EXPORTING for export in exports):
                return exports
            await asyncio.sleep(0.05)


async def content(suite: TrainingSuite, **fields: Any) -> bytes:
    """Returns the zip of an export."""
    request = training_service_pb2.GetExportContentRequest(**fields)
    return b"".join([chunk.data async for chunk in suite.training.GetExportContent(request)])


def format_in(zipped: bytes) -> str:
    """Returns the format that the manifest of a zip tells."""
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        assert archive.testzip() is None
        kind: str = json.loads(archive.read("manifest.json"))["format"]
        return kind


async def test_an_export_outlives_the_service_and_goes_with_its_iteration(suite: TrainingSuite) -> None:
    """An export is there after a restart of the service, is read as it was made, and is not found once its iteration
    is deleted."""
    ids = await trained(suite)
    started = await start(suite, **ids, format=OPENVINO)
    assert (started.state, started.format, started.size_bytes) == (EXPORTING, OPENVINO, 0)
    assert started.file_name == "iteration-1-openvino.zip"
    (done,) = await ended(suite, ids)
    assert (done.state, done.failure_reason, done.create_time) == (DONE, "", started.create_time)
    made = await content(suite, **ids, format=OPENVINO)
    assert (format_in(made), len(made)) == ("openvino", done.size_bytes)
    await suite.stop_training()
    await suite.start_training()
    assert await start(suite, **ids, format=OPENVINO) == done
    assert await content(suite, **ids, format=OPENVINO) == made
    await suite.project.DeleteIteration(iterations_pb2.DeleteIterationRequest(**ids))
    for call in (
        start(suite, **ids, format=OPENVINO),
        listed(suite, ids),
        content(suite, **ids, format=OPENVINO),
    ):
        refusal = await refusal_of(call)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "ITERATION_NOT_FOUND")


async def test_refusals_name_their_cause(suite: TrainingSuite) -> None:
    """Exports of what there is not, or not yet, are refused with a reason, and nothing is made."""
    project_id, _ = await suite.colored_project(per_tag=60)
    run = await suite.run(await suite.start(project_id))
    ids = {"project_id": project_id, "iteration_id": run.iteration_id}
    nowhere = {"project_id": MISSING, "iteration_id": run.iteration_id}
    expected = [
        (start(suite, **ids), grpc.StatusCode.FAILED_PRECONDITION, "ITERATION_NOT_COMPLETED"),
        (start(suite, **ids, format=99), grpc.StatusCode.INVALID_ARGUMENT, "EXPORT_FORMAT_UNKNOWN"),
        (start(suite, project_id=project_id), grpc.StatusCode.INVALID_ARGUMENT, "FIELD_MISSING"),
        (listed(suite, {"project_id": project_id}), grpc.StatusCode.INVALID_ARGUMENT, "FIELD_MISSING"),
        (listed(suite, nowhere), grpc.StatusCode.NOT_FOUND, "PROJECT_NOT_FOUND"),
        (content(suite, **nowhere), grpc.StatusCode.NOT_FOUND, "PROJECT_NOT_FOUND"),
        (content(suite, **ids), grpc.StatusCode.NOT_FOUND, "EXPORT_NOT_FOUND"),
    ]
    for call, code, reason in expected:
        refusal = await refusal_of(call)
        assert (refusal.code, refusal.reason) == (code, reason)
    assert await listed(suite, ids) == []


def builds(process: psutil.Process) -> bool:
    """Tells whether a process builds an export."""
    # A process may end while it is looked at.
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE and "customvision.training.export" in process.cmdline()
    return False


@asynccontextmanager
async def running(suite: TrainingSuite) -> AsyncIterator[TrainingProcess]:
    """Runs the training service as a process, on the address that it had before, and connects ``suite`` to it."""
    async with training_process(suite.settings) as process:
        address = await process.start()
        suite.settings = replace(suite.settings, training_address=address)
        async with open_channel(address, suite.keys) as channel:
            suite.training = TrainingServiceStub(channel)
            yield process


async def test_an_export_outlives_a_kill(prepared_settings: Settings) -> None:
    """After kill -9 of the service while it makes an export, and a restart, the export is made anew, and of the first
    attempt neither process nor file is left."""
    keys, _ = load_or_create_keys(prepared_settings.home)
    suite = TrainingSuite(prepared_settings, keys)
    await suite.start_project()
    try:
        async with running(suite) as process:
            ids = await trained(suite)
            started = await start(suite, **ids, format=OPENVINO)
            async with asyncio.timeout(30):
                while not (building := [it for it in psutil.Process().children(recursive=True) if builds(it)]):
                    await asyncio.sleep(0.02)
            # It must not be done before the kill.
            for it in building:
                it.suspend()
            assert [it.state for it in await listed(suite, ids)] == [EXPORTING]
            await process.end(signal.SIGKILL)
            for it in building:
                it.resume()
        async with asyncio.timeout(10):
            while any(map(builds, building)):
                await asyncio.sleep(0.02)
        async with running(suite) as process:
            (done,) = await ended(suite, ids)
            assert (done.state, done.create_time) == (DONE, started.create_time)
            assert format_in(await content(suite, **ids, format=OPENVINO)) == "openvino"
            assert list((suite.settings.home / "training").glob(".tmp-*")) == []
            assert await process.end(signal.SIGTERM) == 0
    finally:
        await suite.stop_project()
