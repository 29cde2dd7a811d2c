"""Serves the project service: `python -m customvision.project`."""

import asyncio

from customvision.common.keys import load_or_create_keys
from customvision.common.program import run_program
from customvision.common.serving import serve
from customvision.common.settings import Settings
from customvision.project.wiring import open_project_service


async def main(settings: Settings, stopping: asyncio.Event) -> None:
    """Serves until ``stopping`` is set."""
    async with open_project_service(settings) as definition:
        keys, _ = load_or_create_keys(settings.home)
        await serve(
            definition,
            settings.project_address,
            keys,
            stopping,
            drain_seconds=settings.drain_seconds,
            access_log=settings.access_log,
            metrics_address=settings.metrics_address,
        )


if __name__ == "__main__":
    run_program("project", main)
