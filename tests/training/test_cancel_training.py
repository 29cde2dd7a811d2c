"""Cancelling runs."""

import asyncio
import sqlite3
import time
from pathlib import Path

from customvision.v1 import iterations_pb2, training_service_pb2
from training_suite import SOON_SECONDS, TrainingSuite, computing_processes, reasons_of

CANCELLED = training_service_pb2.TRAINING_STATE_CANCELLED
EMBEDDING = training_service_pb2.TRAINING_PHASE_EMBEDDING_IMAGES


async def test_running_training_is_cancelled_soon(suite: TrainingSuite) -> None:
    """A run that computes ends soon, its process is gone, and the project service hears of it."""
    project_id, _ = await suite.colored_project(per_tag=60)
    run_id = await suite.start(project_id)
    await suite.reached(run_id, EMBEDDING)
    begun = time.monotonic()
    await suite.cancel(run_id)
    run = await suite.finished(run_id)
    assert time.monotonic() - begun < SOON_SECONDS
    assert run.state == CANCELLED
    assert computing_processes() == []
    await suite.iteration_with(project_id, run.iteration_id, iterations_pb2.ITERATION_STATUS_CANCELLED)


async def test_queued_training_is_cancelled_at_once(suite: TrainingSuite) -> None:
    """A run that waits is cancelled by the call itself, and never starts; those around it do."""
    project_id, _ = await suite.colored_project(per_tag=15)
    first, second, third = [await suite.start(project_id, force=True) for _ in range(3)]
    cancelled = await suite.cancel(second)
    assert cancelled.state == CANCELLED
    assert not cancelled.HasField("start_time")
    states = [(await suite.finished(run_id)).state for run_id in (first, second, third)]
    assert states == [training_service_pb2.TRAINING_STATE_SUCCEEDED, CANCELLED, states[0]]
    assert reasons_of(await suite.events(second)) == ["Cancelled by a call."]


async def test_ended_training_stays_as_it_is(suite: TrainingSuite) -> None:
    """Cancelling what has ended changes nothing, however often."""
    project_id, _ = await suite.colored_project(per_tag=5)
    run = await suite.finished(await suite.start(project_id))
    again = await asyncio.gather(*[suite.cancel(run.training_run_id) for _ in range(3)])
    assert all(answer == run for answer in again)


async def test_cancel_while_the_project_service_is_away(suite: TrainingSuite) -> None:
    """The run is cancelled at once all the same, and the project service hears of it when it is back."""
    project_id, _ = await suite.colored_project(per_tag=60)
    run_id = await suite.start(project_id)
    await suite.reached(run_id, EMBEDDING)
    await suite.stop_project()
    await suite.cancel(run_id)
    run = await suite.finished(run_id)
    assert run.state == CANCELLED
    await suite.start_project()
    await suite.iteration_with(project_id, run.iteration_id, iterations_pb2.ITERATION_STATUS_CANCELLED)


async def test_cancel_wish_outlives_the_service(suite: TrainingSuite) -> None:
    """A run whose cancellation the service's end interrupted is cancelled after the restart, not resumed."""
    project_id, _ = await suite.colored_project(per_tag=60)
    run_id = await suite.start(project_id)
    await suite.reached(run_id, EMBEDDING)
    await suite.stop_training()
    remember_the_wish(suite.settings.home / "training" / "training.sqlite")
    await suite.start_training()
    assert (await suite.finished(run_id)).state == CANCELLED


def remember_the_wish(database: Path) -> None:
    """Leaves the database as a service that was killed just after taking the call would have."""
    connection = sqlite3.connect(database)
    with connection:
        connection.execute("UPDATE runs SET cancel_requested = 1")
    connection.close()


async def test_cancel_and_stop_together(suite: TrainingSuite) -> None:
    """A service that is stopped while it cancels a run still stops, and the run is not resumed."""
    project_id, _ = await suite.colored_project(per_tag=60)
    run_id = await suite.start(project_id)
    await suite.reached(run_id, EMBEDDING)
    await suite.cancel(run_id)
    async with asyncio.timeout(10):
        await suite.stop_training()
    await suite.start_training()
    assert (await suite.finished(run_id)).state == CANCELLED
