"""Tells the project service of runs that ended without a model; what it could not be told is told later."""

import asyncio
import contextlib

import structlog

from customvision.common.errors import ServiceError, Unavailable
from customvision.common.notifier import wait
from customvision.training.iterations import Iterations
from customvision.training.run import RunState, TrainingRun
from customvision.training.store.runs import RunStore

SECONDS_BETWEEN_TRIES = 5.0
CANCELLED = "The training was cancelled."

log = structlog.get_logger()


class OutcomeReporter:
    """Works through the runs whose outcome is to be reported, from start to stop."""

    def __init__(self, runs: RunStore, iterations: Iterations, run_ended: asyncio.Event) -> None:
        self._runs = runs
        self._iterations = iterations
        self._run_ended = run_ended
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins."""
        self._loop = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Ends; what is left is reported after the next start."""
        if self._loop is not None:
            self._loop.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._loop

    async def _work(self) -> None:
        while True:
            self._run_ended.clear()
            for run in await self._runs.to_report():
                await self._report(run)
            await wait(self._run_ended, SECONDS_BETWEEN_TRIES)

    async def _report(self, run: TrainingRun) -> None:
        cancelled = run.state is RunState.CANCELLED
        try:
            await self._iterations.fail(run, cancelled=cancelled, reason=CANCELLED if cancelled else run.failure_reason)
        except Unavailable:
            return
        except ServiceError as error:
            # Its iteration is gone, or has ended otherwise: there is nothing left to tell.
            log.warning("an outcome was refused", training_run_id=run.training_run_id, reason=error.message)
        await self._runs.mark_reported(run.training_run_id)
