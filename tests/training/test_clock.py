"""A clock that is set back in the middle of a run. Processes are scripted."""

import datetime as dt

import pytest

from customvision.training.runs import attempt, scheduler, starter
from customvision.training.store import runs
from customvision.v1 import training_service_pb2
from scripted_training import ScriptChild, ScriptedTraining

STEPS = """
    for done in range(4):
        progress(reports, done=done)
    succeed(reports)
"""


class RunsBackwards(dt.datetime):
    """A clock that loses an hour each time that it is looked at."""

    looks = 0

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> "RunsBackwards":
        """Returns the time, by a clock that nobody should trust."""
        cls.looks += 1
        return cls.fromtimestamp(2_000_000_000 - 3600 * cls.looks, tz)


async def test_clock_that_runs_backwards_changes_nothing(
    scripted: ScriptedTraining, script_child: ScriptChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events are told in the order in which they happened, runs compute in the order in which they came, lists are
    newest first, and nothing is taken for late."""
    script_child(STEPS)
    for module in (attempt, scheduler, starter, runs):
        monkeypatch.setattr(module, "datetime", RunsBackwards)
    ids = [await scripted.start_advanced("project", 60) for _ in range(3)]
    for run_id in ids:
        events = await scripted.events(run_id)
        times = [event.event_time.ToDatetime() for event in events]
        assert times == sorted(times, reverse=True)
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))
        assert [event.progress.done for event in events if event.progress.phase == 4] == [0, 1, 2, 3]
        assert events[-1].state == training_service_pb2.TRAINING_STATE_SUCCEEDED
        assert await scripted.events(run_id, after=events[3].sequence) == events[4:]
    listed = await scripted.training.ListTrainingRuns(training_service_pb2.ListTrainingRunsRequest())
    assert [run.training_run_id for run in listed.training_runs] == ids[::-1]
