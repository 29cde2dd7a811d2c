"""One attempt at a run: the backbone, then the process that computes, then the model handed over."""

import contextlib
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from customvision.common.errors import ServiceError
from customvision.training.backbones.preparation import BackboneUnavailable
from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.child_process import ChildCrashed, ChildKilled, reports_of
from customvision.training.computation.job import Job
from customvision.training.domain_backbones import DomainBackbones
from customvision.training.event import Metrics, Progress, StateChanged, Warned, detail_from_record
from customvision.training.iterations import PATIENCE_SECONDS, Iterations, Model, patiently
from customvision.training.run import MAX_KILLS, Phase, TrainingRun, failed, in_phase, requeued, succeeded, unchanged
from customvision.training.store.runs import RunStore

MODULE = "customvision.training.computation"
# Threads that wait for one another cost a small fit more than they bring, above all beside other work.
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}
# Who cancels does not wait for a project service that is away.
IMPATIENCE_SECONDS = 2.0

log = structlog.get_logger()


class AttemptFailed(Exception):
    """The run ends without a model; the message is the reason that its user reads."""


@dataclass(frozen=True)
class Place:
    """Where an attempt computes: the project service's address, the key for it, the file of cached features."""

    project_address: str
    training_key: str = field(repr=False)
    features_file: Path


class Attempts:
    """Carries runs through, one attempt at a time."""

    def __init__(self, runs: RunStore, iterations: Iterations, backbones: DomainBackbones, place: Place) -> None:
        self._runs = runs
        self._iterations = iterations
        self._backbones = backbones
        self._place = place

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
        except (AttemptFailed, BackboneUnavailable) as error:
            await self.fail(run, str(error))
        return None

    async def hand_over(self, run: TrainingRun, model: Model) -> None:
        """Gives the model to the project service, and ends the run."""
        try:
            await patiently(lambda: self._iterations.complete(run, model))
        except ServiceError as error:
            await self.fail(run, f"The project service did not take the model: {error.message}")
        else:
            await self._succeed(run)

    async def fail(self, run: TrainingRun, reason: str) -> None:
        """Ends the run without a model, for a reason that its user reads."""
        await self._runs.record(run.training_run_id, failed(reason, datetime.now(UTC)), StateChanged(reason))
        log.warning("training failed", training_run_id=run.training_run_id, reason=reason)

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
        result: dict[str, Any] | None = None
        async with contextlib.aclosing(self._reports(run, backbone)) as reports:
            async for report in reports:
                if report["kind"] == "impossible":
                    raise AttemptFailed(report["reason"])
                if report["kind"] == "result":
                    result = report
                else:
                    await self._tell(run, report)
        if result is None:
            raise AttemptFailed("The training process ended without a result; the training service's log says more.")
        return _model(backbone, result)

    def _reports(self, run: TrainingRun, backbone: PreparedBackbone) -> AsyncGenerator[dict[str, Any], None]:
        job = Job(
            training_run_id=run.training_run_id,
            project_id=run.project_id,
            iteration_id=run.iteration_id,
            backbone=backbone,
            features_file=str(self._place.features_file),
            project_address=self._place.project_address,
            training_key=self._place.training_key,
        )
        return reports_of(MODULE, job.to_record(), environment=ENVIRONMENT)

    async def _tell(self, run: TrainingRun, report: dict[str, Any]) -> None:
        detail = detail_from_record(report)
        change = in_phase(detail.phase) if isinstance(detail, Progress) else unchanged
        await self._runs.record(run.training_run_id, change, detail)

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
        reason = f"The training process was killed ({error.cause}); the run starts over."
        await self._runs.record(run.training_run_id, requeued(killed=True), StateChanged(reason))

    async def _succeed(self, run: TrainingRun) -> None:
        await self._runs.record(run.training_run_id, succeeded(datetime.now(UTC)), StateChanged())
        log.info("training succeeded", training_run_id=run.training_run_id)


def _model(backbone: PreparedBackbone, result: dict[str, Any]) -> Model:
    warnings = ([backbone.warning] if backbone.warning else []) + result["warnings"]
    return Model(
        backbone_id=backbone.backbone_id,
        architecture=backbone.architecture,
        weights_source=backbone.weights_source,
        model_sha256=result["model_sha256"],
        backbone_sha256=backbone.backbone_sha256,
        backbone_weights_sha256=backbone.weights_sha256,
        evaluation_sha256=result["evaluation_sha256"],
        metrics=Metrics(**result["metrics"]),
        warnings=tuple(warnings),
    )
