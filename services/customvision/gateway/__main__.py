"""Starts the gateway."""

import asyncio

from customvision.common.keys import load_or_create_keys
from customvision.common.listening import bind
from customvision.common.program import run_program
from customvision.common.serving import traced
from customvision.common.settings import Settings
from customvision.gateway.application import open_application
from customvision.gateway.http_server import serve_http


async def main(settings: Settings, stopping: asyncio.Event) -> None:
    """Wires the gateway and serves it until told to stop."""
    settings.folder(".")
    keys, _ = load_or_create_keys(settings.home, settings.keys_file)
    listener = bind(settings.http_address, "http")
    async with (
        traced("gateway") as tracer,
        open_application(settings, keys, stopping=stopping, tracer=tracer) as application,
    ):
        await serve_http(application, listener, stopping)


if __name__ == "__main__":
    run_program("gateway", main)
