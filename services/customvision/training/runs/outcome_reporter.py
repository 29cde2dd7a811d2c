"""Tells the project service of runs that ended without a model; what it could not be told is told later."""

import asyncio

import structlog

from customvision.common.background import forever
from customvision.common.errors import FailedPrecondition, NotFound, ServiceError, Unavailable
from customvision.common.notifier import wait
from customvision.training.iterations import Iterations
from customvision.training.runs.run import RunState, TrainingRun
from customvision.training.store.runs import RunStore

SECONDS_BETWEEN_TRIES = 5.0
CANCELLED = "The training was cancelled."

log = structlog.get_logger()


class OutcomeReporter:
    """Works through the runs whose outcome is to be reported."""

    def __init__(self, runs: RunStore, iterations: Iterations, run_ended: asyncio.Event) -> None:
        self._runs = runs
        self._iterations = iterations
        self._run_ended = run_ended

    async def work(self) -> None:
        """Reports outcomes and never ends; what is left when it is cancelled is reported after the next start."""
        await forever(self._report_all)

    async def _report_all(self) -> None:
        self._run_ended.clear()
        for run in await self._runs.to_report():
            await self._report(run)
        await wait(self._run_ended, SECONDS_BETWEEN_TRIES)

    async def _report(self, run: TrainingRun) -> None:
        cancelled = run.state is RunState.CANCELLED
        try:
            await self._iterations.fail(run, cancelled=cancelled, reason=CANCELLED if cancelled else run.failure_reason)
        except (NotFound, FailedPrecondition) as error:
            # Its iteration is gone, or has ended otherwise: there is nothing left to tell.
            log.warning("an outcome was refused", training_run_id=run.training_run_id, reason=error.message)
        except Unavailable:
            return
        except ServiceError as error:
            log.warning("an outcome is told later", training_run_id=run.training_run_id, reason=error.message)
            return
        await self._runs.mark_reported(run.training_run_id)
