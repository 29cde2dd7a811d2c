"""The queue of runs: durable, first come first served, one at a time."""

import asyncio
import contextlib
from datetime import UTC, datetime

import structlog

from customvision.training.attempt import Attempts
from customvision.training.event import StateChanged
from customvision.training.iterations import Model
from customvision.training.run import (
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

INTERRUPTED = "The training service was restarted; the run starts over."
CANCELLED = "Cancelled by a call."
SECONDS_AFTER_ERROR = 1.0

log = structlog.get_logger()
ModelTask = asyncio.Task[Model | None]


class Scheduler:
    """Takes queued runs in their order and sees each to its end, or back into the queue."""

    def __init__(self, runs: RunStore, attempts: Attempts, run_ended: asyncio.Event) -> None:
        """``run_ended`` is set after a run may have ended."""
        self._runs = runs
        self._attempts = attempts
        self._run_ended = run_ended
        self._queue_changed = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._stopping = False
        self._computing: dict[str, ModelTask] = {}

    async def start(self) -> None:
        """Puts runs that the service's last end interrupted back into the queue, and begins."""
        for run in await self._runs.in_state(RunState.RUNNING):
            await self._runs.record(run.training_run_id, requeued(killed=False), StateChanged(INTERRUPTED))
        self._loop = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Ends the process of the run under way; the next start puts that run back into the queue."""
        # A cancelled run and the stop may come together, and the loop then sees only the first.
        self._stopping = True
        if self._loop is not None:
            self._loop.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._loop

    def wake(self) -> None:
        """Tells that a run was queued."""
        self._queue_changed.set()

    async def cancel(self, training_run_id: str) -> TrainingRun:
        """Cancels a run and returns it: still running where its process has yet to end. Raises RunNotFound."""
        await self._runs.get(training_run_id)
        change = cancelled_before_start(datetime.now(UTC))
        run = await self._runs.record(training_run_id, change, StateChanged(CANCELLED))
        if not run.state.final:
            # Remembered, so that the wish outlives the service.
            run = await self._runs.record(training_run_id, cancel_requested)
        if training_run_id in self._computing:
            self._computing[training_run_id].cancel()
        self._run_ended.set()
        return run

    async def _work(self) -> None:
        while not self._stopping:
            self._queue_changed.clear()
            waiting = await self._runs.in_state(RunState.QUEUED)
            if not waiting:
                await self._queue_changed.wait()
                continue
            try:
                await self._see_through(waiting[0])
            except Exception:
                log.exception("a run met an error that nobody foresaw", training_run_id=waiting[0].training_run_id)
                await asyncio.sleep(SECONDS_AFTER_ERROR)
            finally:
                self._run_ended.set()

    async def _see_through(self, run: TrainingRun) -> None:
        task = asyncio.create_task(self._attempt(run))
        self._computing[run.training_run_id] = task
        try:
            model = await _result_of(task)
        except Exception:
            await self._attempts.fail(run, "The training service met an error of its own; its log says more.")
            raise
        finally:
            del self._computing[run.training_run_id]
        # From here on the run cannot be cancelled: the project service may have its model already.
        if model is not None:
            await self._attempts.hand_over(run, model)
        else:
            await self._cancel_where_requested(run.training_run_id)

    async def _attempt(self, run: TrainingRun) -> Model | None:
        if run.attempt and await self._attempts.find_finished(run):
            return None
        if run.attempt >= MAX_ATTEMPTS:
            await self._attempts.fail(run, f"The run was interrupted {MAX_ATTEMPTS} times and is given up.")
            return None
        if run.cancel_requested:
            return None
        running = await self._runs.record(run.training_run_id, started(datetime.now(UTC)), StateChanged())
        return await self._attempts.make_model(running) if running.state is RunState.RUNNING else None

    async def _cancel_where_requested(self, training_run_id: str) -> None:
        run = await self._runs.get(training_run_id)
        if run.cancel_requested:
            await self._runs.record(training_run_id, cancelled(datetime.now(UTC)), StateChanged(CANCELLED))


async def _result_of(task: ModelTask) -> Model | None:
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if task.cancelled():
            return None
        # The service stops: the attempt's process must be gone before it does.
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
