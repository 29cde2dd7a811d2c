"""The training service as a program."""

import asyncio

from customvision.common.keys import load_or_create_keys
from customvision.common.program import run_program
from customvision.common.serving import serve
from customvision.common.settings import Settings
from customvision.training.wiring import open_training_service


async def main(settings: Settings, stopping: asyncio.Event) -> None:
    """Serves training until ``stopping`` is set."""
    settings.folder("training")
    keys, _ = load_or_create_keys(settings.home, settings.keys_file)
    async with open_training_service(settings, keys) as definition:
        await serve(
            definition,
            settings.training_address,
            keys,
            stopping,
            drain_seconds=settings.drain_seconds,
            access_log=settings.access_log,
            metrics_address=settings.metrics_address,
        )


if __name__ == "__main__":
    run_program("training", main)
