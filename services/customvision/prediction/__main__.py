"""Runs the prediction service: ``python -m customvision.prediction``."""

import asyncio

from customvision.common.keys import load_or_create_keys
from customvision.common.program import run_program
from customvision.common.serving import serve
from customvision.common.settings import Settings
from customvision.prediction.workers.supervision import serve_with_workers


async def main(settings: Settings, stopping: asyncio.Event) -> None:
    """Serves until ``stopping`` is set. Raises ConfigurationError where the service cannot start."""
    keys, _ = load_or_create_keys(settings.folder("."), settings.keys_file)
    if settings.prediction_workers > 1:
        await serve_with_workers(settings, stopping)
        return
    # Not above: the process above the workers predicts nothing and should stay small.
    from customvision.prediction.wiring import open_prediction_service

    async with open_prediction_service(settings, keys) as definition:
        await serve(
            definition,
            settings.prediction_address,
            keys,
            stopping,
            drain_seconds=settings.drain_seconds,
            access_log=settings.access_log,
            metrics_address=settings.metrics_address,
        )


if __name__ == "__main__":
    run_program("prediction", main)
