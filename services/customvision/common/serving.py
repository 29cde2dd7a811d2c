"""Serving one gRPC service: what a program does between its start and its end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import structlog

from customvision.common.access_log import AccessLog
from customvision.common.authentication import KeyRing
from customvision.common.background import in_background
from customvision.common.free_memory import give_back_memory
from customvision.common.keys import Keys
from customvision.common.program import log_serving
from customvision.common.server import Server, ServiceDefinition
from customvision.common.tracing import Tracer, open_tracer

log = structlog.get_logger()


async def serve(
    definition: ServiceDefinition,
    address: str,
    keys: Keys,
    stopping: asyncio.Event,
    *,
    drain_seconds: float = 0.0,
    share_port: bool = False,
    tell_serving: Callable[[str], object] = log_serving,
    access_log: bool = False,
    metrics_address: str | None = None,
) -> None:
    """Serves ``definition`` on ``address`` until ``stopping`` is set, goes on for ``drain_seconds``, then drains.

    With ``share_port`` others that ask for it too may serve there. ``tell_serving`` is called with the bound address.
    ``access_log`` logs every call; at ``metrics_address`` the service's figures are told over HTTP. Raises
    ConfigurationError where it cannot listen.
    """
    key_ring = KeyRing(keys)
    async with contextlib.AsyncExitStack() as stack:
        tracer = await stack.enter_async_context(traced(definition.name))
        log_of_calls = AccessLog(on=access_log)
        server = Server(definition, address, key_ring, share_port=share_port, access_log=log_of_calls, tracer=tracer)
        if metrics_address is not None:
            # Imported only where it is wanted: a web server takes time to load.
            from customvision.common.metrics_endpoint import serve_metrics

            await stack.enter_async_context(serve_metrics(definition.metrics, metrics_address, key_ring))
        await stack.enter_async_context(in_background(give_back_memory()))
        bound = await server.start()
        stack.push_async_callback(server.stop, drain_seconds)
        tell_serving(bound)
        await stopping.wait()
        log.info("draining", seconds=drain_seconds)


@contextlib.asynccontextmanager
async def traced(name: str) -> AsyncIterator[Tracer | None]:
    """Yields the tracer of the service of that short name, if any, and has it send what is left at the end."""
    tracer = open_tracer(name)
    try:
        yield tracer
    finally:
        if tracer is not None:
            await asyncio.to_thread(tracer.close)
