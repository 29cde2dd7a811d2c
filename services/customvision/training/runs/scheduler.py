"""The queue of runs: durable, first come first served, a fixed number at a time."""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime

import structlog

from customvision.common.background import SECONDS_AFTER_ERROR, forever
from customvision.common.errors import StorageFull
from customvision.training.iterations import Model
from customvision.training.runs.attempt import Attempts
from customvision.training.runs.event import StateChanged
from customvision.training.runs.run import (
    MAX_ATTEMPTS,
    RunState,
    TrainingRun,
    cancel_requested,
    cancelled,
    cancelled_before_start,
    requeued,
    started,
)
from customvision.training.store.runs import RunStore

INTERRUPTED = "The training service was interrupted; the run goes on."
CANCELLED = "Cancelled by a call."
OWN_ERROR = "The training service met an error of its own; its log says more."
DISK_FULL = "The disk of the data folder is full. Make room, then train again."

ModelTask = asyncio.Task[Model | None]

log = structlog.get_logger()


class Scheduler:
    """Takes queued runs in their order and sees each to its end, or back into the queue."""

    def __init__(
        self, runs: RunStore, attempts: Attempts, run_ended: asyncio.Event, *, concurrent_runs: int = 1
    ) -> None:
        """``run_ended`` is set after a run may have ended; ``concurrent_runs`` compute side by side at most."""
        self._runs = runs
        self._attempts = attempts
        self._run_ended = run_ended
        self._concurrent_runs = concurrent_runs
        self._queue_changed = asyncio.Event()
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._computing: dict[str, ModelTask] = {}

    async def work(self) -> None:
        """Sees run after run through and never ends. Cancelled, it leaves no process behind, and the runs under way
        go back into the queue when the work begins again."""
        try:
            await forever(self._fill_places)
        finally:
            for task in self._under_way.values():
                task.cancel()
            await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    def wake(self) -> None:
        """Tells that a run was queued."""
        self._queue_changed.set()

    async def cancel(self, training_run_id: str) -> TrainingRun:
        """Cancels a run and returns it: still running where its process has yet to end. Raises RunNotFound."""
        await self._runs.get(training_run_id)
        # A caller that goes away does not leave the wish half told.
        return await asyncio.shield(self._cancel(training_run_id))

    async def _cancel(self, training_run_id: str) -> TrainingRun:
        change = cancelled_before_start(datetime.now(UTC))
        run = await self._runs.record(training_run_id, change, StateChanged(CANCELLED))
        if not run.state.final:
            # Remembered, so that the wish outlives the service.
            run = await self._runs.record(training_run_id, cancel_requested)
        if training_run_id in self._computing:
            self._computing[training_run_id].cancel()
        self.wake()
        self._run_ended.set()
        return run

    async def _fill_places(self) -> None:
        self._queue_changed.clear()
        # Taken before the store is read: one that ends meanwhile is looked at in the next round.
        under_way = set(self._under_way)
        await self._requeue_interrupted(under_way)
        for run in self._next_of(await self._waiting(under_way)):
            self._under_way[run.training_run_id] = asyncio.create_task(self._occupy_place(run))
        await self._queue_changed.wait()

    async def _requeue_interrupted(self, under_way: Collection[str]) -> None:
        # One that runs and is not under way lost its attempt with the service, or to an error.
        for run in await self._runs.in_state(RunState.RUNNING):
            if run.training_run_id not in under_way:
                await self._runs.record(run.training_run_id, requeued(killed=False), StateChanged(INTERRUPTED))

    async def _waiting(self, under_way: Collection[str]) -> list[TrainingRun]:
        return [run for run in await self._runs.in_state(RunState.QUEUED) if run.training_run_id not in under_way]

    def _next_of(self, waiting: list[TrainingRun]) -> list[TrainingRun]:
        free = max(0, self._concurrent_runs - len(self._under_way))
        # To end a run needs no place.
        return waiting[:free] + [run for run in waiting[free:] if run.cancel_requested]

    async def _occupy_place(self, run: TrainingRun) -> None:
        try:
            await self._see_through(run)
        except Exception:
            log.exception("seeing a run through met an error that nobody foresaw", training_run_id=run.training_run_id)
            await asyncio.sleep(SECONDS_AFTER_ERROR)
        finally:
            del self._under_way[run.training_run_id]
            self._run_ended.set()
            self.wake()

    async def _see_through(self, run: TrainingRun) -> None:
        try:
            await self._carry_out(run)
        finally:
            await self._attempts.clean_up(run.training_run_id)

    async def _carry_out(self, run: TrainingRun) -> None:
        task = asyncio.create_task(self._attempt(run))
        self._computing[run.training_run_id] = task
        try:
            model = await _result_of(task)
        except Exception as error:
            await self._attempts.fail(run, DISK_FULL if isinstance(error, StorageFull) else OWN_ERROR)
            raise
        finally:
            del self._computing[run.training_run_id]
        # From here on nothing is interrupted: the project service may have the model already.
        if model is not None:
            await self._attempts.hand_over(run, model)
        await self._cancel_where_requested(run.training_run_id)

    async def _attempt(self, run: TrainingRun) -> Model | None:
        if run.attempt and await self._attempts.settle_if_finished(run):
            return None
        if run.attempt >= MAX_ATTEMPTS:
            await self._attempts.fail(run, f"The run was interrupted {MAX_ATTEMPTS} times and is given up.")
            return None
        if run.cancel_requested:
            return None
        running = await self._runs.record(run.training_run_id, started(datetime.now(UTC)), StateChanged())
        # The wish to cancel may have come after the queue was read.
        wanted = running.state is RunState.RUNNING and not running.cancel_requested
        return await self._attempts.make_model(running) if wanted else None

    async def _cancel_where_requested(self, training_run_id: str) -> None:
        run = await self._runs.get(training_run_id)
        if run.cancel_requested:
            await self._runs.record(training_run_id, cancelled(datetime.now(UTC)), StateChanged(CANCELLED))


async def _result_of(task: ModelTask) -> Model | None:
    try:
        # Not awaited itself: its cancellation and that of this work would look alike.
        await asyncio.wait([task])
    except asyncio.CancelledError:
        # The service stops: the attempt's process must be gone before it does.
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
    return None if task.cancelled() else task.result()
