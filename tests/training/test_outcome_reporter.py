"""Telling the project service of runs that ended without a model."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest

from customvision.common.background import in_background
from customvision.training.runs import outcome_reporter
from customvision.training.runs.event import StateChanged
from customvision.training.runs.outcome_reporter import OutcomeReporter
from customvision.training.runs.run import failed
from scripted_project import ScriptedProject, TrainingParts, training_parts, until


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the reporter come round often."""
    monkeypatch.setattr(outcome_reporter, "SECONDS_BETWEEN_TRIES", 0.05)


async def failed_run(parts: TrainingParts) -> None:
    """Stores a run that failed."""
    await parts.queued_run()
    await parts.runs.record("run", failed("It broke.", datetime.now(UTC)), StateChanged())


async def answers(parts: TrainingParts, count: int) -> None:
    """Waits until the project service was told so often."""
    async with asyncio.timeout(10):
        while len(parts.server.calls["FailIteration"]) < count:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "code",
    [grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.INTERNAL],
)
async def test_errors_that_settle_nothing_are_repeated(tmp_path: Path, code: grpc.StatusCode) -> None:
    """A project service that is full, or has other keys, hears of the outcome when it can take it."""
    project = ScriptedProject()
    project.error = code
    async with training_parts(tmp_path, project.scripts) as parts:
        await failed_run(parts)
        reporter = OutcomeReporter(parts.runs, parts.iterations, asyncio.Event())
        async with in_background(reporter.work()):
            await answers(parts, 2)
            assert len(await parts.runs.to_report()) == 1
            project.error = None
            await until(lambda run: run.outcome_reported, parts.runs)
    assert project.ended == ["iteration of run"]


@pytest.mark.parametrize("code", [grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION])
async def test_iteration_that_is_gone_needs_no_word(tmp_path: Path, code: grpc.StatusCode) -> None:
    """Where the iteration is gone, or ended otherwise, the outcome counts as told."""
    project = ScriptedProject()
    project.error = code
    async with training_parts(tmp_path, project.scripts) as parts:
        await failed_run(parts)
        async with in_background(OutcomeReporter(parts.runs, parts.iterations, asyncio.Event()).work()):
            await until(lambda run: run.outcome_reported, parts.runs)
        assert len(parts.server.calls["FailIteration"]) == 1


async def test_database_that_takes_nothing_ends_no_work(tmp_path: Path) -> None:
    """A note that cannot be written is written later."""
    project = ScriptedProject()
    async with training_parts(tmp_path, project.scripts) as parts:
        await failed_run(parts)
        await parts.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON runs WHEN NEW.outcome_reported = 1 "
            "BEGIN SELECT RAISE(ABORT, 'no room'); END"
        )
        async with in_background(OutcomeReporter(parts.runs, parts.iterations, asyncio.Event()).work()):
            await answers(parts, 1)
            await answers(parts, 2)
            await parts.execute("DROP TRIGGER full")
            await until(lambda run: run.outcome_reported, parts.runs)
