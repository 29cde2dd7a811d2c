"""One attempt at a run: the backbone, then the process that computes, then the model handed over."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from customvision.common.errors import ServiceError, Unavailable
from customvision.training.backbones.domain_backbones import DomainBackbones
from customvision.training.backbones.preparation import BackboneUnavailable
from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.children.child_process import ChildCrashed, ChildKilled, ChildOverran, reports_of
from customvision.training.computation.job import BaseModel
from customvision.training.iterations import PATIENCE_SECONDS, Iterations, Model, patiently
from customvision.training.runs.attempt_plan import Place, environment_of, job_of
from customvision.training.runs.disk_space import DiskTooFull, check_disk_space, needed_bytes
from customvision.training.runs.event import FineTuning, Metrics, Progress, StateChanged, Warned, detail_from_record
from customvision.training.runs.precedence import Precedence
from customvision.training.runs.run import (
    MAX_KILLS,
    Phase,
    TrainingRun,
    after_work,
    failed,
    in_phase,
    requeued,
    succeeded,
    unchanged,
)
from customvision.training.store.runs import RunStore

MODULE = "customvision.training.computation"
# Who cancels does not wait for a project service that is away.
IMPATIENCE_SECONDS = 2.0

log = structlog.get_logger()


class AttemptFailed(Exception):
    """The run ends without a model; the message is the reason that its user reads."""


class CancelWanted(Exception):
    """The run's user wants its end, and the project service does not answer."""


class Attempts:
    """Carries runs through, one attempt at a time."""

    def __init__(
        self,
        runs: RunStore,
        iterations: Iterations,
        backbones: DomainBackbones,
        place: Place,
        precedence: Precedence | None = None,
    ) -> None:
        """``precedence`` is what other work gives way to."""
        self._runs = runs
        self._iterations = iterations
        self._backbones = backbones
        self._place = place
        self._precedence = precedence or Precedence()

    async def settle_if_finished(self, run: TrainingRun) -> bool:
        """Ends the run where an earlier attempt had handed its model over, or its iteration is gone.

        Returns whether the run has ended.
        """
        patience = IMPATIENCE_SECONDS if run.cancel_requested else PATIENCE_SECONDS
        try:
            completed = await patiently(lambda: self._iterations.is_completed(run), seconds=patience)
        except ServiceError as error:
            if run.cancel_requested:
                return False
            await self.fail(run, error.message)
            return True
        if completed:
            await self._succeed(run)
        return completed

    async def make_model(self, run: TrainingRun) -> Model | None:
        """Returns the model of a running run, or None once it is recorded why there is none.

        Cancelled, it leaves no process behind.
        """
        try:
            backbone = await self._prepared_backbone(run)
            return await self._compute(run, backbone)
        except ChildKilled as error:
            await self._interrupted(run, error)
        except ChildCrashed as error:
            log.error("the training process failed", training_run_id=run.training_run_id, log_tail=error.log_tail)
            await self.fail(run, "The training process stopped on an error; the training service's log says more.")
        except ChildOverran as error:
            await self.fail(run, self._place.limits.overrun_reason(run, error.overrun))
        except (AttemptFailed, BackboneUnavailable, DiskTooFull, ServiceError) as error:
            await self.fail(run, str(error))
        return None

    async def hand_over(self, run: TrainingRun, model: Model) -> None:
        """Gives the model to the project service, and ends the run.

        It stays open where the project service is away and the run is to be cancelled.
        """
        try:
            await patiently(lambda: self._complete(run, model), max_pause_seconds=IMPATIENCE_SECONDS / 2)
        except CancelWanted:
            return
        except ServiceError as error:
            await self.fail(run, f"The project service did not take the model: {error.message}")
        else:
            await self._succeed(run)

    async def _complete(self, run: TrainingRun, model: Model) -> None:
        try:
            await self._iterations.complete(run, model)
        except Unavailable:
            if (await self._runs.get(run.training_run_id)).cancel_requested:
                raise CancelWanted from None
            raise

    async def fail(self, run: TrainingRun, reason: str) -> None:
        """Ends the run without a model, for a reason that its user reads."""
        await self._runs.record(run.training_run_id, failed(reason, datetime.now(UTC)), StateChanged(reason))
        log.warning("training failed", training_run_id=run.training_run_id, reason=reason)

    async def clean_up(self, training_run_id: str) -> None:
        """Removes the files of a run where it has ended."""
        if (await self._runs.get(training_run_id)).state.final:
            await asyncio.to_thread(self._place.run_folders.remove_checkpoints, training_run_id)

    async def _prepared_backbone(self, run: TrainingRun) -> PreparedBackbone:
        started = time.monotonic()
        phase = Phase.PREPARING_BACKBONE
        await self._runs.record(run.training_run_id, in_phase(phase), Progress(phase, 0, 1, 0.0))
        backbone = await self._domain_backbone(run)
        done = Progress(phase, 1, 1, round(time.monotonic() - started, 3))
        warning = [Warned(backbone.warning)] if backbone.warning else []
        await self._runs.record(run.training_run_id, unchanged, *warning, done)
        return backbone

    async def _domain_backbone(self, run: TrainingRun) -> PreparedBackbone:
        try:
            iteration = await patiently(lambda: self._iterations.get(run.project_id, run.iteration_id))
            return await patiently(lambda: self._backbones.of_domain(iteration.domain_id))
        except ServiceError as error:
            raise AttemptFailed(error.message) from error

    async def _compute(self, run: TrainingRun, backbone: PreparedBackbone) -> Model:
        await self._check_disk_space(run, backbone)
        job = job_of(run, backbone, await self._base_of(run), self._place)
        clock = _Clock(run.used_seconds)
        async with self._scratch(run) as scratch:
            reports = reports_of(
                MODULE,
                job.to_record(),
                environment=environment_of(run, self._place, scratch),
                limits=self._place.limits.of_next_process(run),
            )
            try:
                with self._precedence.of_a_run():
                    result = await self._result_of(run, reports, clock)
            except ChildKilled:
                await self._runs.record(run.training_run_id, after_work(unchanged, clock.seconds()))
                raise
        return _model(backbone, result)

    async def _result_of(
        self, run: TrainingRun, reports: AsyncGenerator[dict[str, Any], None], clock: "_Clock"
    ) -> dict[str, Any]:
        async with contextlib.aclosing(reports):
            async for report in reports:
                if report["kind"] == "impossible":
                    raise AttemptFailed(report["reason"])
                if report["kind"] == "result":
                    # The model is stored by now: nothing that befalls the process afterwards takes it back.
                    return report
                await self._tell(run, report, clock.seconds())
        raise AttemptFailed("The training process ended without a result; the training service's log says more.")

    async def _check_disk_space(self, run: TrainingRun, backbone: PreparedBackbone) -> None:
        iteration = await patiently(lambda: self._iterations.get(run.project_id, run.iteration_id))
        needed = await asyncio.to_thread(needed_bytes, run.training_type, iteration.image_count, backbone)
        await asyncio.to_thread(check_disk_space, self._place.folder, needed)

    async def _base_of(self, run: TrainingRun) -> BaseModel | None:
        if not run.base_iteration_id:
            return None
        project_id = run.base_project_id or run.project_id
        base = await patiently(lambda: self._iterations.get(project_id, run.base_iteration_id))
        artifacts = base.artifacts
        return BaseModel(artifacts.model_sha256, artifacts.backbone_sha256, artifacts.backbone_weights_sha256)

    @contextlib.asynccontextmanager
    async def _scratch(self, run: TrainingRun) -> AsyncIterator[Path]:
        folders = self._place.run_folders
        try:
            yield await asyncio.to_thread(folders.make_scratch, run.training_run_id)
        finally:
            await asyncio.shield(asyncio.to_thread(folders.remove_scratch, run.training_run_id))

    async def _tell(self, run: TrainingRun, report: dict[str, Any], used_seconds: float) -> None:
        detail = detail_from_record(report)
        change = in_phase(_phase_of(detail)) if isinstance(detail, Progress | FineTuning) else unchanged
        await self._runs.record(run.training_run_id, after_work(change, used_seconds), detail)

    async def _interrupted(self, run: TrainingRun, error: ChildKilled) -> None:
        log.warning(
            "the training process was killed",
            training_run_id=run.training_run_id,
            cause=error.cause,
            log_tail=error.log_tail,
        )
        if run.kills + 1 >= MAX_KILLS:
            await self.fail(
                run,
                f"The training process was killed {MAX_KILLS} times ({error.cause}); "
                "the machine may be short of memory.",
            )
            return
        reason = f"The training process was killed ({error.cause}); the run goes on in a new one."
        await self._runs.record(run.training_run_id, requeued(killed=True), StateChanged(reason))

    async def _succeed(self, run: TrainingRun) -> None:
        await self._runs.record(run.training_run_id, succeeded(datetime.now(UTC)), StateChanged())
        log.info("training succeeded", training_run_id=run.training_run_id)


class _Clock:
    """Counts the seconds of a run's processes, on from those of its earlier attempts."""

    def __init__(self, used_seconds: float) -> None:
        self._zero = time.monotonic() - used_seconds

    def seconds(self) -> float:
        return time.monotonic() - self._zero


def _phase_of(detail: Progress | FineTuning) -> Phase:
    return detail.phase if isinstance(detail, Progress) else Phase.FINE_TUNING


def _model(backbone: PreparedBackbone, result: dict[str, Any]) -> Model:
    warnings = ([backbone.warning] if backbone.warning else []) + result["warnings"]
    # A network of its own has other files than the backbone that it grew from.
    return Model(
        backbone_id=result.get("backbone_id", backbone.backbone_id),
        architecture=result.get("architecture", backbone.architecture),
        weights_source=backbone.weights_source,
        model_sha256=result["model_sha256"],
        backbone_sha256=result.get("backbone_sha256", backbone.backbone_sha256),
        backbone_weights_sha256=result.get("backbone_weights_sha256", backbone.weights_sha256),
        evaluation_sha256=result["evaluation_sha256"],
        metrics=Metrics(**result["metrics"]),
        warnings=tuple(warnings),
        fine_tuned=result.get("fine_tuned", False),
    )
