"""Many runs: their order, and how many compute at a time. Processes are scripted."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.v1 import training_service_pb2
from scripted_training import SUCCEEDS, WAITS, ScriptChild, ScriptedTraining, scripted_training

SUCCEEDED = training_service_pb2.TRAINING_STATE_SUCCEEDED
CANCELLED = training_service_pb2.TRAINING_STATE_CANCELLED
QUEUED = training_service_pb2.TRAINING_STATE_QUEUED
FITTING = training_service_pb2.TRAINING_PHASE_FITTING_HEAD
RUNS = 50
# Each ends only once it has seen the other at work.
MEETS_ANOTHER = """
    meeting = Path(job["features_file"]).parent / "meeting"
    meeting.mkdir(exist_ok=True)
    (meeting / job["training_run_id"]).touch()
    deadline = time.monotonic() + 30
    while len(list(meeting.iterdir())) < 2:
        if time.monotonic() > deadline:
            raise RuntimeError("nobody came")
        time.sleep(0.01)
    succeed(reports)
"""


@pytest.fixture
async def two_at_a_time(prepared_settings: Settings, keys: Keys) -> AsyncIterator[ScriptedTraining]:
    """A training service that computes two runs side by side."""
    async with scripted_training(replace(prepared_settings, training_concurrent_runs=2), keys) as suite:
        yield suite


async def test_fifty_runs_queued_every_second_cancelled(scripted: ScriptedTraining, script_child: ScriptChild) -> None:
    """While the first one holds the place, all others wait; every second is cancelled at once; the rest end in the
    order in which they came, one at a time."""
    script_child(WAITS)
    ids = [await scripted.start("project") for _ in range(RUNS)]
    await scripted.reached(ids[0], FITTING)
    script_child(SUCCEEDS)
    assert [(await scripted.run(run_id)).state for run_id in ids[1:]] == [QUEUED] * (RUNS - 1)
    for run_id in ids[1::2]:
        assert (await scripted.cancel(run_id)).state == CANCELLED
    await scripted.cancel(ids[0])
    kept = [await scripted.finished(run_id) for run_id in ids[2::2]]
    assert {run.state for run in kept} == {SUCCEEDED}
    ends = [run.end_time.ToDatetime() for run in kept]
    starts = [run.start_time.ToDatetime() for run in kept]
    assert ends == sorted(ends)
    assert all(start >= end for start, end in zip(starts[1:], ends[:-1], strict=True))
    lost = [await scripted.run(run_id) for run_id in ids[1::2]]
    assert not any(run.HasField("start_time") for run in lost)


async def test_two_runs_compute_side_by_side(two_at_a_time: ScriptedTraining, script_child: ScriptChild) -> None:
    """Where the setting allows two, two of one project compute at the same time."""
    script_child(MEETS_ANOTHER)
    ids = [await two_at_a_time.start("project") for _ in range(2)]
    assert [(await two_at_a_time.finished(run_id)).state for run_id in ids] == [SUCCEEDED] * 2


async def test_no_more_than_two(two_at_a_time: ScriptedTraining, script_child: ScriptChild) -> None:
    """The third waits until a place is free; a cancelled run frees its place, and the others go on."""
    script_child(WAITS)
    first, second, third = [await two_at_a_time.start("project") for _ in range(3)]
    for run_id in (first, second):
        await two_at_a_time.reached(run_id, FITTING)
    assert (await two_at_a_time.run(third)).state == QUEUED
    await two_at_a_time.cancel(first)
    await two_at_a_time.reached(third, FITTING)
    assert (await two_at_a_time.run(second)).state == training_service_pb2.TRAINING_STATE_RUNNING
    for run_id in (second, third):
        await two_at_a_time.cancel(run_id)
        await two_at_a_time.events(run_id)


async def test_interrupted_run_is_cancelled_without_a_place(
    two_at_a_time: ScriptedTraining, script_child: ScriptChild
) -> None:
    """A run that was interrupted and waits behind another is cancelled without waiting for its turn."""
    script_child(WAITS)
    first, second = [await two_at_a_time.start("project") for _ in range(2)]
    for run_id in (first, second):
        await two_at_a_time.reached(run_id, FITTING)
    await two_at_a_time.stop_training()
    two_at_a_time.settings = replace(two_at_a_time.settings, training_concurrent_runs=1)
    await two_at_a_time.start_training()
    await two_at_a_time.cancel(second)
    assert (await two_at_a_time.finished(second)).state == CANCELLED
    assert not (two_at_a_time.checkpoints / second).exists()
    assert (two_at_a_time.checkpoints / first).exists()
    await two_at_a_time.cancel(first)
    await two_at_a_time.events(first)
