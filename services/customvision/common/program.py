"""A service as a program: settings, logs, signals, and one clear sentence where it cannot start."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, NoReturn

import structlog

from customvision.common.access_log import AccessLog
from customvision.common.authentication import KeyRing
from customvision.common.background import in_background
from customvision.common.errors import ConfigurationError
from customvision.common.free_memory import give_back_memory
from customvision.common.keys import Keys
from customvision.common.logs import configure_logging
from customvision.common.server import Server, ServiceDefinition
from customvision.common.settings import Settings
from customvision.common.tracing import Tracer, open_tracer

# sysexits' EX_CONFIG: a supervisor that meets it at the first start gives up and says why.
EXIT_CONFIGURATION = 78
# Set by a supervisor that holds our standard input open: its end means that the supervisor is gone.
SUPERVISED = "CUSTOMVISION_SUPERVISED"

log = structlog.get_logger()
ServiceMain = Callable[[Settings, asyncio.Event], Coroutine[Any, Any, None]]


def run_program(name: str, main: ServiceMain) -> NoReturn:
    """Runs ``main(settings, stopping)`` until it returns; ``stopping`` is set on SIGTERM and Ctrl-C. Never returns."""
    try:
        settings = Settings.from_environment()
        configure_logging(name, settings.log_level)
        asyncio.run(_run(main, settings))
    except ConfigurationError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a person reads this, not a log
        sys.exit(EXIT_CONFIGURATION)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0)


def log_serving(address: str) -> None:
    """Logs where a service serves, its real port included."""
    log.info("serving", address=address)


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


async def _run(main: ServiceMain, settings: Settings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    watch = asyncio.create_task(_watch_supervisor(stopping)) if os.environ.get(SUPERVISED) else None
    try:
        await main(settings, stopping)
    finally:
        if watch is not None:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch


async def _watch_supervisor(stopping: asyncio.Event) -> None:
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    try:
        while await reader.read(1024):
            pass
        log.warning("the supervisor is gone; stopping")
        stopping.set()
    finally:
        transport.close()
