"""Starts runs: the data set is frozen in the project service, then the run is queued, each exactly once."""

import asyncio
import uuid
from datetime import UTC, datetime

import structlog

from customvision.common.errors import ServiceError, Unavailable
from customvision.training.backbones.preparation import BackbonePreparation
from customvision.training.event import StateChanged
from customvision.training.iterations import Iterations
from customvision.training.run import RequestIdInvalid, RunState, TrainingRun, TrainingType, queued
from customvision.training.scheduler import Scheduler
from customvision.training.store.runs import RunStore

SECONDS_BETWEEN_TRIES = 2.0

log = structlog.get_logger()


class RunStarter:
    """Starts runs, and finishes those starts that the service's end interrupted."""

    def __init__(
        self, runs: RunStore, iterations: Iterations, backbones: BackbonePreparation, scheduler: Scheduler
    ) -> None:
        self._runs = runs
        self._iterations = iterations
        self._backbones = backbones
        self._scheduler = scheduler
        self._starting: dict[str, asyncio.Task[TrainingRun]] = {}

    async def start(self, project_id: str, training_type: TrainingType, *, force: bool, request_id: str) -> TrainingRun:
        """Returns a queued run, or the run that this request id started before.

        Raises RequestIdInvalid, and what the project service says against training: too few images, nothing changed.
        """
        run = TrainingRun(
            training_run_id=str(uuid.uuid4()),
            project_id=project_id,
            training_type=training_type,
            force=force,
            create_time=datetime.now(UTC),
            request_id=_checked(request_id),
        )
        stored = await self._runs.insert(run)
        if stored.state is not RunState.PREPARING:
            return stored
        # A caller that goes away does not leave the start half done.
        return await asyncio.shield(self._task(stored))

    async def finish_interrupted(self) -> None:
        """Finishes the starts that the service's last end interrupted, however long the project service is away."""
        for run in await self._runs.in_state(RunState.PREPARING):
            await self._finish(run)

    async def stop(self) -> None:
        """Waits for starts under way."""
        await asyncio.gather(*self._starting.values(), return_exceptions=True)

    async def _finish(self, run: TrainingRun) -> None:
        while True:
            try:
                await self._queue(run, keep=True)
                return
            except Unavailable:
                await asyncio.sleep(SECONDS_BETWEEN_TRIES)
            except ServiceError as error:
                log.warning("an interrupted start was refused", training_run_id=run.training_run_id, reason=str(error))
                return

    def _task(self, run: TrainingRun) -> "asyncio.Task[TrainingRun]":
        run_id = run.training_run_id
        if run_id not in self._starting:
            task = asyncio.create_task(self._queue(run, keep=False))
            self._starting[run_id] = task
            task.add_done_callback(lambda _: self._starting.pop(run_id))
        return self._starting[run_id]

    async def _queue(self, run: TrainingRun, *, keep: bool) -> TrainingRun:
        try:
            iteration_id, name = await self._iterations.create(run, self._backbones.known_backbone_id())
        except ServiceError as error:
            if not (keep and isinstance(error, Unavailable)):
                await self._runs.remove(run.training_run_id)
            raise
        result = await self._runs.record(run.training_run_id, queued(iteration_id, name), StateChanged())
        self._scheduler.wake()
        return result


def _checked(request_id: str) -> str | None:
    if not request_id:
        return None
    try:
        return str(uuid.UUID(request_id))
    except ValueError as error:
        raise RequestIdInvalid(
            "request_id must be a UUID, such as 8c2e4b1a-93d5-4f0e-a6b7-0d1c2e3f4a5b, or empty.", field="request_id"
        ) from error
