"""One worker: ``python -m customvision.prediction.workers NUMBER DESCRIPTOR``."""

import asyncio
import os
import sys

import structlog

from customvision.common.keys import load_or_create_keys
from customvision.common.processors import share_processors
from customvision.common.program import run_program
from customvision.common.server import ServiceDefinition
from customvision.common.serving import serve
from customvision.common.settings import Settings
from customvision.prediction.wiring import open_prediction_service
from customvision.prediction.worker import Worker

# How long a worker that has no models yet leaves callers to the others; then it answers what it can.
LOADING_SECONDS = 10.0


async def main(settings: Settings, stopping: asyncio.Event, number: int, telling: int) -> None:
    """Serves until ``stopping`` is set; writes ``number`` into the descriptor ``telling`` once it serves.

    Raises ConfigurationError where the service cannot start.
    """
    worker = Worker(number, settings.prediction_workers)
    share_processors(worker.count)
    keys, _ = load_or_create_keys(settings.home, settings.keys_file)
    async with open_prediction_service(settings, keys, worker) as definition:
        await _wait_until_ready(definition, stopping)
        await serve(
            definition,
            settings.prediction_address,
            keys,
            stopping,
            drain_seconds=settings.drain_seconds,
            share_port=True,
            tell_serving=lambda _: os.write(telling, f"{number}\n".encode()),
            access_log=settings.access_log,
            # It tells the figures of all.
            metrics_address=settings.metrics_address if worker.number == 1 else None,
        )


async def _wait_until_ready(definition: ServiceDefinition, stopping: asyncio.Event) -> None:
    """Returns once the service is ready, was told to stop, or has had its time."""
    # Whoever listens gets a share of the callers: one that was started again loads its models first.
    ready = asyncio.create_task(definition.until_ready())
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait([ready, stopped], timeout=LOADING_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    for waiting in (ready, stopped):
        waiting.cancel()
    await asyncio.gather(ready, stopped, return_exceptions=True)


if __name__ == "__main__":
    own_number, own_telling = (int(argument) for argument in sys.argv[1:])
    structlog.contextvars.bind_contextvars(worker=own_number)
    run_program("prediction", lambda settings, stopping: main(settings, stopping, own_number, own_telling))
