"""The queue of runs, where the database or a caller fails in the middle."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from customvision.common.background import in_background
from customvision.common.database import Database
from customvision.common.notifier import Notifier
from customvision.common.settings import Settings
from customvision.training.backbones.domain_backbones import DomainBackbones
from customvision.training.backbones.preparation import BackbonePreparation
from customvision.training.computation.job import Job
from customvision.training.runs.attempt import Attempts
from customvision.training.runs.attempt_plan import Place
from customvision.training.runs.event import Detail, StateChanged
from customvision.training.runs.run import Change, RunState, TrainingRun, cancel_requested, requeued, started
from customvision.training.runs.scheduler import Scheduler
from customvision.training.store.runs import RunStore
from scripted_project import ScriptedProject, TrainingParts, training_parts, until

UNUSABLE = "The weights file weights.h5 is no readable HDF5 file."


class SlowToAnswer(RunStore):
    """A store that has written a wish to cancel long before it says so."""

    def __init__(self, database: Database, notifier: Notifier) -> None:
        super().__init__(database, notifier)
        self.written = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def record(self, training_run_id: str, change: Change, *details: Detail) -> TrainingRun:
        """Records a change."""
        run = await super().record(training_run_id, change, *details)
        if change is cancel_requested:
            self.written.set()
            await self.may_answer.wait()
        return run


class LateWish(RunStore):
    """A store in which the wish to cancel comes just after the queue was read."""

    async def in_state(self, state: RunState) -> list[TrainingRun]:
        """Returns the runs as they were."""
        runs = await super().in_state(state)
        for run in runs:
            await self.record(run.training_run_id, cancel_requested)
        return runs


@asynccontextmanager
async def scheduling(parts: TrainingParts, settings: Settings) -> AsyncIterator[Scheduler]:
    """A scheduler at work, whose every run fails for want of a backbone, after a while."""
    text = settings.home / "weights.h5"
    text.parent.mkdir(parents=True)
    text.write_text("no weights")
    preparation = BackbonePreparation(replace(settings, backbone_weights=text))
    backbones = DomainBackbones(preparation, parts.domains)
    place = Place("", "", settings.home, settings.home)
    scheduler = Scheduler(parts.runs, Attempts(parts.runs, parts.iterations, backbones, place), asyncio.Event())
    try:
        async with in_background(scheduler.work()):
            yield scheduler
    finally:
        await preparation.stop()


async def test_run_whose_end_could_not_be_written_starts_over(settings: Settings, tmp_path: Path) -> None:
    """A run that meets a database that takes neither its progress nor its failure does not stay running for ever."""
    async with training_parts(tmp_path, ScriptedProject().scripts) as parts:
        await parts.execute(
            "CREATE TRIGGER full BEFORE INSERT ON events "
            "WHEN (NEW.detail LIKE '%progress%' OR NEW.state = 'failed') AND (SELECT MAX(attempt) FROM runs) < 2 "
            "BEGIN SELECT RAISE(ABORT, 'no room'); END"
        )
        await parts.queued_run()
        async with scheduling(parts, settings):
            run = await parts.ended()
    assert run.attempt == 2
    assert (run.state, run.failure_reason) == (RunState.FAILED, UNUSABLE)


async def test_database_that_fails_once_ends_no_work(settings: Settings, tmp_path: Path) -> None:
    """Where even the queue cannot be read for a moment, it is read again later."""
    async with training_parts(tmp_path, ScriptedProject().scripts) as parts:
        await parts.execute("ALTER TABLE runs RENAME TO away")
        async with scheduling(parts, settings) as scheduler:
            scheduler.wake()
            await parts.database.read(lambda _: None)
            await parts.execute("ALTER TABLE away RENAME TO runs")
            await parts.queued_run()
            assert (await parts.ended()).state is RunState.FAILED


async def test_caller_that_leaves_does_not_halve_the_wish(settings: Settings, tmp_path: Path) -> None:
    """A cancel whose caller goes away after it was stored reaches the run's process all the same."""
    async with training_parts(tmp_path, ScriptedProject().scripts, SlowToAnswer) as parts:
        assert isinstance(parts.runs, SlowToAnswer)
        await parts.queued_run()
        async with scheduling(parts, settings) as scheduler:
            await until(lambda run: run.state is RunState.RUNNING, parts.runs)
            call = asyncio.create_task(scheduler.cancel("run"))
            await parts.runs.written.wait()
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            parts.runs.may_answer.set()
            assert (await parts.ended()).state is RunState.CANCELLED


async def test_cancel_between_two_attempts(settings: Settings, tmp_path: Path) -> None:
    """A wish that is stored after the queue was read, and before the attempt begins, counts."""
    async with training_parts(tmp_path, ScriptedProject().scripts, LateWish) as parts:
        await parts.queued_run()
        await parts.runs.record("run", started(datetime.now(UTC)), StateChanged())
        await parts.runs.record("run", requeued(killed=True), StateChanged())
        async with scheduling(parts, settings):
            assert (await parts.ended()).state is RunState.CANCELLED


def test_keys_are_not_shown() -> None:
    """What may end up in a log or a traceback does not spell out the training key."""
    key = "k" * 64
    job = Job("run", "project", "iteration", None, "features", "address", key)  # type: ignore[arg-type]
    assert key not in repr(Place("address", key, Path("training"), Path("keras"))) + repr(job)
