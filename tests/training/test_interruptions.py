"""Runs whose process, service, or project service goes away in the middle."""

import asyncio
import signal
import sqlite3
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from customvision.common.channel import open_channel
from customvision.common.keys import load_or_create_keys
from customvision.common.settings import Settings
from customvision.v1 import iterations_pb2, training_service_pb2
from customvision.v1.training_service_pb2_grpc import TrainingServiceStub
from training_process import training_process
from training_suite import TrainingSuite, computing_processes, reasons_of

SUCCEEDED = training_service_pb2.TRAINING_STATE_SUCCEEDED
EMBEDDING = training_service_pb2.TRAINING_PHASE_EMBEDDING_IMAGES


async def kill_computation(suite: TrainingSuite, run_id: str, attempt: int) -> None:
    """Kills the process of a run's attempt as soon as it embeds."""
    async with asyncio.timeout(30):
        while (run := await suite.run(run_id)).attempt != attempt or run.phase != EMBEDDING:
            await asyncio.sleep(0.005)
    for process in computing_processes():
        process.kill()


async def test_killed_process_starts_over(suite: TrainingSuite) -> None:
    """A run whose process is killed is queued again, says so, and succeeds at the second attempt."""
    project_id, _ = await suite.colored_project(per_tag=60)
    run_id = await suite.start(project_id)
    await kill_computation(suite, run_id, attempt=1)
    run = await suite.finished(run_id)
    assert (run.state, run.attempt) == (SUCCEEDED, 2)
    reasons = reasons_of(await suite.events(run_id))
    assert reasons == ["The training process was killed (signal 9); the run goes on in a new one."]


async def test_third_kill_fails_the_run(suite: TrainingSuite) -> None:
    """A run whose process is killed three times fails and says what may be wrong."""
    project_id, _ = await suite.colored_project(per_tag=60)
    run_id = await suite.start(project_id)
    for attempt in (1, 2, 3):
        await kill_computation(suite, run_id, attempt)
    run = await suite.finished(run_id)
    assert run.state == training_service_pb2.TRAINING_STATE_FAILED
    expected = "The training process was killed 3 times (signal 9); the machine may be short of memory."
    assert run.failure_reason == expected
    failed = await suite.iteration_with(project_id, run.iteration_id, iterations_pb2.ITERATION_STATUS_FAILED)
    assert failed.failure_reason == expected


async def test_ten_reconnects_see_every_event_once(suite: TrainingSuite) -> None:
    """A watcher that comes back after every second event, across a restart of the service, misses and repeats none."""
    project_id, _ = await suite.colored_project(per_tag=60)
    run_id = await suite.start(project_id)
    seen: list[training_service_pb2.TrainingEvent] = []
    for reconnect in range(10):
        if reconnect == 4:
            await suite.stop_training()
            await suite.start_training()
        async for event in suite.watch(run_id, after=seen[-1].sequence if seen else 0):
            if not event.HasField("heartbeat"):
                seen.append(event)
            if len(seen) % 2 == 0:
                break
    seen.extend(await suite.events(run_id, after=seen[-1].sequence))
    assert [event.sequence for event in seen] == list(range(1, len(seen) + 1))
    assert seen[-1].state == SUCCEEDED
    assert seen == await suite.events(run_id)
    assert reasons_of(seen) == ["The training service was interrupted; the run goes on."]


async def test_project_service_away_for_a_moment(suite: TrainingSuite) -> None:
    """A run outlasts a restart of the project service while it computes."""
    project_id, _ = await suite.colored_project(per_tag=60)
    run_id = await suite.start(project_id)
    await suite.reached(run_id, EMBEDDING)
    await suite.stop_project()
    await suite.start_project()
    run = await suite.finished(run_id)
    assert (run.state, run.attempt) == (SUCCEEDED, 1)


async def test_model_handed_over_before_the_service_died(suite: TrainingSuite) -> None:
    """A run that ended in the project service, though the training service never noted it, is not computed again."""
    project_id, _ = await suite.colored_project(per_tag=10)
    run = await suite.finished(await suite.start(project_id))
    await suite.stop_training()
    forget_the_end(suite.settings.home / "training" / "training.sqlite", run)
    await suite.start_training()
    again = await suite.finished(run.training_run_id)
    assert (again.state, again.attempt) == (SUCCEEDED, 1)


def forget_the_end(database: Path, run: training_service_pb2.TrainingRun) -> None:
    """Puts a run back to where a service killed just after handing the model over would have left it."""
    connection = sqlite3.connect(database)
    with connection:
        values = (run.last_sequence - 1, run.training_run_id)
        connection.execute(
            "UPDATE runs SET state = 'running', end_time = NULL, last_sequence = ? WHERE training_run_id = ?", values
        )
        connection.execute("DELETE FROM events WHERE sequence > ? AND training_run_id = ?", values)
    connection.close()


async def test_killed_service_resumes_its_runs(prepared_settings: Settings) -> None:
    """After kill -9 of the service during a run and a restart, the run starts over and succeeds, one event after
    another, and its old process is gone."""
    keys, _ = load_or_create_keys(prepared_settings.home)
    suite = TrainingSuite(prepared_settings, keys)
    await suite.start_project()
    try:
        project_id, _ = await suite.colored_project(per_tag=60)
        async with training_process(suite.settings) as process:
            address = await process.start()
            async with open_channel(address, keys) as channel:
                suite.training = TrainingServiceStub(channel)
                run_id = await suite.start(project_id)
                await suite.reached(run_id, EMBEDDING)
                await process.end(signal.SIGKILL)
        async with training_process(replace(suite.settings, training_address=address)) as process:
            await process.start()
            async with open_channel(address, keys) as channel:
                suite.training = TrainingServiceStub(channel)
                events = await suite.events(run_id)
                run = await suite.run(run_id)
                assert (run.state, run.attempt) == (SUCCEEDED, 2)
                assert [event.sequence for event in events] == list(range(1, len(events) + 1))
                assert reasons_of(events) == ["The training service was interrupted; the run goes on."]
            assert await process.end(signal.SIGTERM) == 0
    finally:
        await suite.stop_project()


async def test_watch_ends_with_unavailable_when_the_service_drains(suite: TrainingSuite) -> None:
    """A watcher of a service that stops is told to come again."""
    project_id, _ = await suite.colored_project(per_tag=60)
    run_id = await suite.start(project_id)
    # A channel of its own: the suite's is closed with its service.
    async with open_channel(suite.settings.training_address, suite.keys) as channel:
        request = training_service_pb2.WatchTrainingRequest(training_run_id=run_id)
        watch = TrainingServiceStub(channel).WatchTraining(request)
        await watch.read()
        stopping = asyncio.create_task(suite.stop_training())
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            while await watch.read() is not grpc.aio.EOF:
                pass
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        await stopping


async def test_leftovers_of_a_kill_are_removed(suite: TrainingSuite) -> None:
    """Half an export and half a backbone, left by a service that was killed, are gone after the next start."""
    await suite.stop_training()
    folder = suite.settings.home / "training"
    leftovers = [folder / ".tmp-export-1", folder / "backbones" / "network" / ".tmp-2"]
    for leftover in leftovers:
        leftover.mkdir(parents=True)
        (leftover / "model.zip").touch()
    await suite.start_training()
    assert not any(leftover.exists() for leftover in leftovers)
    assert list((folder / "backbones").rglob("backbone.json"))
