"""Starts runs: the data set is frozen in the project service, then the run is queued, each exactly once."""

import asyncio
import re
import uuid
from datetime import UTC, datetime

import structlog

from customvision.common.background import forever
from customvision.common.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, ServiceError
from customvision.training.backbones.domain_backbones import DomainBackbones
from customvision.training.iterations import Iterations
from customvision.training.runs.event import StateChanged
from customvision.training.runs.run import RunState, TrainingRun, given_up, queued
from customvision.training.runs.run_request import RequestIdInvalid, RequestIdReused, RunRequest
from customvision.training.runs.scheduler import Scheduler
from customvision.training.store.runs import RunStore

SECONDS_BETWEEN_TRIES = 2.0
GIVEN_UP = "The start was answered with an error, and nobody repeated it."
# The project service has judged the request. After any other error the iteration may have been made all the same.
REFUSALS = (InvalidArgument, NotFound, AlreadyExists, FailedPrecondition)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

log = structlog.get_logger()


class RunStarter:
    """Starts runs, and sees to it that a start whose outcome is unclear leaves no iteration in training for ever."""

    def __init__(
        self, runs: RunStore, iterations: Iterations, backbones: DomainBackbones, scheduler: Scheduler
    ) -> None:
        self._runs = runs
        self._iterations = iterations
        self._backbones = backbones
        self._scheduler = scheduler
        self._tries: dict[str, asyncio.Task[TrainingRun]] = {}
        self._asked_for: set[str] = set()
        # Whether somebody asks for a run, and what becomes of it, is settled one after the other.
        self._settling = asyncio.Lock()

    async def start(self, request: RunRequest, request_id: str) -> TrainingRun:
        """Returns a queued run, or the run that this request id started before.

        Raises RequestIdInvalid, RequestIdReused, and what the project service says against training: too few images,
        nothing changed.
        """
        run = _new_run(request, _checked(request_id))
        async with self._settling:
            stored = await self._runs.insert(run)
            if stored.request != request:
                raise RequestIdReused(
                    "The request_id started a training of other content before; make a fresh UUID for each new call.",
                    metadata={"training_run_id": stored.training_run_id},
                    field="request_id",
                )
            if stored.state is not RunState.PREPARING:
                return stored
            self._asked_for.add(stored.training_run_id)
            task = self._try(stored)
        # A caller that goes away does not leave the start half done.
        return await asyncio.shield(task)

    async def check(self, request: RunRequest) -> None:
        """Raises what ``start`` would raise for a request that was not sent before, and starts nothing."""
        await self._iterations.check(request, await self._backbones.known_id_for(request.project_id))

    async def finish_unclear_starts(self) -> None:
        """Repeats starts that met an error, or the service's end, until the project service has answered. Never ends.

        Such a run is cancelled unless its caller asks again: it was told of an error and may not expect a training.
        """
        await forever(self._repeat_unclear_starts)

    async def stop(self) -> None:
        """Waits for starts under way."""
        await asyncio.gather(*self._tries.values(), return_exceptions=True)

    async def _repeat_unclear_starts(self) -> None:
        # Callers that ask again come first.
        await asyncio.sleep(SECONDS_BETWEEN_TRIES)
        for run in await self._runs.in_state(RunState.PREPARING):
            try:
                await asyncio.shield(self._try(run))
            except ServiceError as error:
                log.info("a start has no iteration yet", training_run_id=run.training_run_id, reason=error.message)

    def _try(self, run: TrainingRun) -> "asyncio.Task[TrainingRun]":
        run_id = run.training_run_id
        if run_id not in self._tries:
            task = self._tries[run_id] = asyncio.create_task(self._create(run))
            task.add_done_callback(lambda _: self._forget_try(run_id))
        return self._tries[run_id]

    def _forget_try(self, run_id: str) -> None:
        del self._tries[run_id]
        self._asked_for.discard(run_id)

    async def _create(self, run: TrainingRun) -> TrainingRun:
        run_id = run.training_run_id
        try:
            backbone_id = await self._backbones.known_id_for(run.project_id)
            iteration_id, name = await self._iterations.create(run, backbone_id)
        except REFUSALS:
            async with self._settling:
                await self._runs.remove(run_id)
            raise
        async with self._settling:
            if run_id in self._asked_for:
                result = await self._runs.record(run_id, queued(iteration_id, name), StateChanged())
            else:
                change = given_up(iteration_id, name, datetime.now(UTC))
                result = await self._runs.record(run_id, change, StateChanged(GIVEN_UP))
        self._scheduler.wake()
        return result


def _new_run(request: RunRequest, request_id: str | None) -> TrainingRun:
    return TrainingRun(
        training_run_id=str(uuid.uuid4()),
        project_id=request.project_id,
        training_type=request.training_type,
        force=request.force,
        create_time=datetime.now(UTC),
        request_id=request_id,
        budget_seconds=request.budget_seconds,
        selected_tag_ids=request.selected_tag_ids,
        base_iteration_id=request.base_iteration_id,
        base_project_id=request.base_project_id,
    )


def _checked(request_id: str) -> str | None:
    if not request_id:
        return None
    if _UUID.fullmatch(request_id) is None:
        raise RequestIdInvalid(
            "request_id must be a UUID, such as 8c2e4b1a-93d5-4f0e-a6b7-0d1c2e3f4a5b, or empty.", field="request_id"
        )
    return request_id.lower()
