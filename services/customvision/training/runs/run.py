"""A training run: its states, and the changes that may happen to it."""

import enum
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from customvision.common.errors import NotFound
from customvision.training.runs.run_request import RunRequest, TrainingType

# A child process that is killed this often has a cause that one more attempt does not cure.
MAX_KILLS = 3
# Restarts of the service are nobody's fault, but a run that brings the service down must end somewhere.
MAX_ATTEMPTS = 10


class RunState(enum.Enum):
    """How far a run has come. PREPARING is not shown: the iteration is not made yet."""

    PREPARING = "preparing"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """True for a state that a run never leaves."""
        return self in (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED)


class Phase(enum.Enum):
    """The parts of a run, in order."""

    NONE = "none"
    PREPARING_BACKBONE = "preparing_backbone"
    READING_DATA_SET = "reading_data_set"
    EMBEDDING_IMAGES = "embedding_images"
    FITTING_HEAD = "fitting_head"
    FINE_TUNING = "fine_tuning"
    EVALUATING = "evaluating"
    SAVING = "saving"


class RunNotFound(NotFound):
    """There is no such run."""

    reason = "TRAINING_RUN_NOT_FOUND"


class NotApplicable(Exception):
    """The change does not fit the state that the run is in. The store then changes nothing."""


@dataclass(frozen=True)
class TrainingRun:
    """One run of training. Times are UTC; ``attempt`` counts processes started, ``kills`` those that a signal ended.

    ``outcome_reported`` is False while the project service has yet to hear that the run failed or was cancelled.
    ``budget_seconds`` is None for a quick training; ``used_seconds`` is how long its processes have run;
    ``base_project_id`` is empty where the base is of the same project.
    """

    training_run_id: str
    project_id: str
    training_type: TrainingType
    force: bool
    create_time: datetime
    request_id: str | None = None
    iteration_id: str = ""
    iteration_name: str = ""
    state: RunState = RunState.PREPARING
    phase: Phase = Phase.NONE
    start_time: datetime | None = None
    end_time: datetime | None = None
    failure_reason: str = ""
    last_sequence: int = 0
    attempt: int = 0
    kills: int = 0
    cancel_requested: bool = False
    outcome_reported: bool = True
    budget_seconds: float | None = None
    selected_tag_ids: tuple[str, ...] = ()
    base_iteration_id: str = ""
    base_project_id: str = ""
    used_seconds: float = 0.0

    @property
    def request(self) -> RunRequest:
        """What its caller asked for."""
        return RunRequest(
            project_id=self.project_id,
            training_type=self.training_type,
            force=self.force,
            budget_seconds=self.budget_seconds,
            selected_tag_ids=self.selected_tag_ids,
            base_iteration_id=self.base_iteration_id,
            base_project_id=self.base_project_id,
        )


Change = Callable[[TrainingRun], TrainingRun]


def queued(iteration_id: str, iteration_name: str) -> Change:
    """The iteration is made: the run waits for its turn."""

    def change(run: TrainingRun) -> TrainingRun:
        if run.state is not RunState.PREPARING:
            raise NotApplicable(run.training_run_id)
        return replace(run, state=RunState.QUEUED, iteration_id=iteration_id, iteration_name=iteration_name)

    return change


def given_up(iteration_id: str, iteration_name: str, now: datetime) -> Change:
    """The iteration is made, but nobody waits for the run any more: it ends at once, and its request id is free."""

    def change(run: TrainingRun) -> TrainingRun:
        return replace(cancelled(now)(queued(iteration_id, iteration_name)(run)), request_id=None)

    return change


def started(now: datetime) -> Change:
    """An attempt at the run begins."""

    def change(run: TrainingRun) -> TrainingRun:
        _expect_open(run)
        return replace(
            run,
            state=RunState.RUNNING,
            start_time=run.start_time or now,
            attempt=run.attempt + 1,
            phase=Phase.NONE,
        )

    return change


def requeued(*, killed: bool) -> Change:
    """The attempt was interrupted and the run waits for another; ``killed``: its own process met a signal."""

    def change(run: TrainingRun) -> TrainingRun:
        _expect_open(run)
        return replace(run, state=RunState.QUEUED, kills=run.kills + int(killed))

    return change


def in_phase(phase: Phase) -> Change:
    """The run works on ``phase``."""

    def change(run: TrainingRun) -> TrainingRun:
        _expect_open(run)
        return replace(run, phase=phase)

    return change


def after_work(change: Change, used_seconds: float) -> Change:
    """Makes ``change``, and remembers how long the run's processes have run by now."""
    return lambda run: replace(change(run), used_seconds=used_seconds)


def unchanged(run: TrainingRun) -> TrainingRun:
    """Something is told about an open run that changes nothing in it."""
    _expect_open(run)
    return run


def succeeded(now: datetime) -> Change:
    """The project service has the model."""

    def change(run: TrainingRun) -> TrainingRun:
        _expect_open(run)
        return replace(run, state=RunState.SUCCEEDED, phase=Phase.SAVING, end_time=now)

    return change


def failed(reason: str, now: datetime) -> Change:
    """The run ends without a model, for a reason that its user reads."""

    def change(run: TrainingRun) -> TrainingRun:
        _expect_open(run)
        return replace(run, state=RunState.FAILED, failure_reason=reason, end_time=now, outcome_reported=False)

    return change


def cancelled(now: datetime) -> Change:
    """The run ends because its user wants it so."""

    def change(run: TrainingRun) -> TrainingRun:
        _expect_open(run)
        return replace(run, state=RunState.CANCELLED, end_time=now, outcome_reported=False)

    return change


def cancelled_before_start(now: datetime) -> Change:
    """A run that never started is cancelled at once."""

    def change(run: TrainingRun) -> TrainingRun:
        if run.state is not RunState.QUEUED or run.attempt:
            raise NotApplicable(run.training_run_id)
        return cancelled(now)(run)

    return change


def cancel_requested(run: TrainingRun) -> TrainingRun:
    """The run's user wants its end; its process has yet to hear of it."""
    _expect_open(run)
    return replace(run, cancel_requested=True)


def _expect_open(run: TrainingRun) -> None:
    if run.state.final:
        raise NotApplicable(run.training_run_id)
