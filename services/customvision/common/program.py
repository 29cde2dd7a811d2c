"""A service as a program: settings, logs, signals, and one clear sentence where it cannot start."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

import structlog

from customvision.common.errors import ConfigurationError
from customvision.common.logs import configure_logging
from customvision.common.settings import Settings

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
