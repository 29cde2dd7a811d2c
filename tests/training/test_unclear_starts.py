"""Starts whose answer from the project service got lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from customvision.common.background import in_background
from customvision.common.errors import FailedPrecondition, ServiceError, Unavailable
from customvision.common.settings import Settings
from customvision.training.backbones.architectures import DEFAULT, Architecture
from customvision.training.backbones.domain_backbones import DomainBackbones
from customvision.training.backbones.preparation import BackbonePreparation
from customvision.training.runs import outcome_reporter, starter
from customvision.training.runs.attempt import Attempts
from customvision.training.runs.attempt_plan import Place
from customvision.training.runs.outcome_reporter import OutcomeReporter
from customvision.training.runs.run import RunState, TrainingRun
from customvision.training.runs.run_request import RequestIdReused, RunRequest, TrainingType
from customvision.training.runs.scheduler import Scheduler
from customvision.training.runs.starter import RunStarter
from scripted_project import ScriptedProject, TrainingParts, training_parts

REQUEST_ID = "8c2e4b1a-93d5-4f0e-a6b7-0d1c2e3f4a5b"
REQUEST = RunRequest("project", TrainingType.QUICK)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets background work come round often."""
    monkeypatch.setattr(starter, "SECONDS_BETWEEN_TRIES", 0.05)
    monkeypatch.setattr(outcome_reporter, "SECONDS_BETWEEN_TRIES", 0.05)


class Unprepared(BackbonePreparation):
    """A preparation that never begins."""

    def start(self, architecture: Architecture = DEFAULT) -> None:
        """Does nothing."""


class Starting:
    """A starter whose runs queue up and are not computed."""

    def __init__(self, parts: TrainingParts, settings: Settings) -> None:
        backbones = DomainBackbones(Unprepared(settings), parts.domains)
        place = Place("", "", settings.home, settings.home)
        scheduler = Scheduler(parts.runs, Attempts(parts.runs, parts.iterations, backbones, place), asyncio.Event())
        self.parts = parts
        self.starter = RunStarter(parts.runs, parts.iterations, backbones, scheduler)

    async def start(self, request_id: str = REQUEST_ID, *, request: RunRequest = REQUEST) -> TrainingRun:
        """Starts a run."""
        return await self.starter.start(request, request_id)

    async def listed(self) -> list[TrainingRun]:
        """Returns the runs that users see, newest first."""
        return (await self.parts.runs.page(project_id="", iteration_id="", before=None, size=10)).runs

    async def comes_true(self, condition: Callable[[list[TrainingRun]], bool]) -> list[TrainingRun]:
        """Returns the runs once ``condition`` holds of them."""
        async with asyncio.timeout(10):
            while not condition(runs := await self.listed()):
                await asyncio.sleep(0.01)
        return runs


@asynccontextmanager
async def starting(project: ScriptedProject, settings: Settings, folder: Path) -> AsyncIterator[Starting]:
    """A starter on a project service that a test scripts."""
    async with training_parts(folder, project.scripts) as parts:
        yield Starting(parts, settings)


async def lose_the_answer(project: ScriptedProject, starting: Starting) -> None:
    """Starts a run whose iteration is made, though its caller hears of an error."""
    project.error = grpc.StatusCode.UNAVAILABLE
    with pytest.raises(Unavailable):
        await starting.start()
    project.error = None


async def test_iteration_of_a_lost_answer_is_closed(settings: Settings, tmp_path: Path) -> None:
    """Where nobody asks again, the run ends as cancelled and its iteration is closed, so that nothing trains by
    surprise and nothing stays in training."""
    project = ScriptedProject()
    async with starting(project, settings, tmp_path) as suite:
        await lose_the_answer(project, suite)
        assert await suite.listed() == []
        reporter = OutcomeReporter(suite.parts.runs, suite.parts.iterations, asyncio.Event())
        async with in_background(suite.starter.finish_unclear_starts()), in_background(reporter.work()):
            (run,) = await suite.comes_true(lambda runs: bool(runs) and runs[0].outcome_reported)
    assert (run.state, run.iteration_id) == (RunState.CANCELLED, "iteration 1")
    assert project.ended == ["iteration 1"]
    assert list(project.iteration_of) == [run.training_run_id]


async def test_repeated_start_takes_the_run_over(settings: Settings, tmp_path: Path) -> None:
    """A start that is repeated with its request id gets the run of the first try, with the one iteration made."""
    project = ScriptedProject()
    async with starting(project, settings, tmp_path) as suite:
        await lose_the_answer(project, suite)
        run = await suite.start()
        assert (run.state, run.iteration_id) == (RunState.QUEUED, "iteration 1")
        assert await suite.start() == run
    assert len(project.iteration_of) == 1


async def test_start_repeated_too_late_is_a_new_one(settings: Settings, tmp_path: Path) -> None:
    """A start that is repeated after its first try was given up gets a run that trains, not the cancelled one."""
    project = ScriptedProject()
    async with starting(project, settings, tmp_path) as suite:
        await lose_the_answer(project, suite)
        async with in_background(suite.starter.finish_unclear_starts()):
            (given_up,) = await suite.comes_true(bool)
            run = await suite.start()
    assert given_up.state is RunState.CANCELLED
    assert (run.state, run.iteration_id) == (RunState.QUEUED, "iteration 2")


async def test_repeat_meets_the_work_in_the_background(settings: Settings, tmp_path: Path) -> None:
    """A start repeated while the service itself repeats it joins that try, and its run is queued."""
    project = ScriptedProject()
    async with starting(project, settings, tmp_path) as suite:
        await lose_the_answer(project, suite)
        calls = suite.parts.server.calls["CreateIteration"]
        before = len(calls)

        project.may_answer.clear()
        async with asyncio.timeout(10), in_background(suite.starter.finish_unclear_starts()):
            while len(calls) == before:
                await asyncio.sleep(0.01)
            repeated = asyncio.create_task(suite.start())
            while not suite.starter._asked_for:
                await asyncio.sleep(0.01)
            project.may_answer.set()
            run = await repeated
    assert run.state is RunState.QUEUED
    assert len(calls) == before + 1


async def test_refusal_of_the_repeat_removes_the_run(settings: Settings, tmp_path: Path) -> None:
    """Where the project service refuses the repeated call, nothing is left to repeat."""
    project = ScriptedProject()
    async with starting(project, settings, tmp_path) as suite:
        await lose_the_answer(project, suite)
        project.error = grpc.StatusCode.FAILED_PRECONDITION
        async with asyncio.timeout(10), in_background(suite.starter.finish_unclear_starts()):
            while await suite.parts.runs.in_state(RunState.PREPARING):
                await asyncio.sleep(0.01)
        assert await suite.listed() == []
        with pytest.raises(FailedPrecondition):
            await suite.start()
        assert await suite.parts.runs.in_state(RunState.PREPARING) == []


@pytest.mark.parametrize("code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.RESOURCE_EXHAUSTED])
async def test_errors_that_settle_nothing_forget_nothing(
    settings: Settings, tmp_path: Path, code: grpc.StatusCode
) -> None:
    """An error that leaves open whether the iteration was made keeps the run for a repeat."""
    project = ScriptedProject()
    project.error = code
    async with starting(project, settings, tmp_path) as suite:
        with pytest.raises(ServiceError):
            await suite.start()
        assert len(await suite.parts.runs.in_state(RunState.PREPARING)) == 1


async def test_one_start_sent_twenty_times_at_once(settings: Settings, tmp_path: Path) -> None:
    """All get the same run, and one iteration is made by one call."""
    project = ScriptedProject()
    async with starting(project, settings, tmp_path) as suite:
        runs = await asyncio.gather(*[suite.start() for _ in range(20)])
        assert len(suite.parts.server.calls["CreateIteration"]) == 1
        assert await suite.listed() == [runs[0]]
    assert len({run.training_run_id for run in runs}) == 1


OTHER_REQUESTS = [
    replace(REQUEST, project_id="another"),
    replace(REQUEST, force=True),
    replace(REQUEST, selected_tag_ids=("tag",)),
    replace(REQUEST, training_type=TrainingType.ADVANCED, budget_seconds=600.0),
]


@pytest.mark.parametrize("other", OTHER_REQUESTS, ids=["project", "force", "tags", "type"])
async def test_request_id_with_other_content(settings: Settings, tmp_path: Path, other: RunRequest) -> None:
    """A request id that started another training is refused, changes nothing, and still answers its own run."""
    async with starting(ScriptedProject(), settings, tmp_path) as suite:
        run = await suite.start()
        with pytest.raises(RequestIdReused):
            await suite.start(request=other)
        assert await suite.start() == run
        assert await suite.listed() == [run]


async def test_other_budget_is_other_content(settings: Settings, tmp_path: Path) -> None:
    """Also between two advanced trainings, the budget and the base count."""
    advanced = RunRequest("project", TrainingType.ADVANCED, budget_seconds=600.0)
    async with starting(ScriptedProject(), settings, tmp_path) as suite:
        run = await suite.start(request=advanced)
        for other in (replace(advanced, budget_seconds=601.0), replace(advanced, base_iteration_id="base")):
            with pytest.raises(RequestIdReused):
                await suite.start(request=other)
        assert await suite.start(request=advanced) == run
