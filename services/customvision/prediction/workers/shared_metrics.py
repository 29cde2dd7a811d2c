"""The figures of several processes that serve at one address, told whole by whichever of them is asked."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import structlog

from customvision.common.exposition import merged
from customvision.common.service_metrics import ServiceMetrics

# One that is starting, or that hangs, is left out.
ASK_SECONDS = 1.0
LABEL = "worker"

log = structlog.get_logger()


@contextlib.asynccontextmanager
async def shared_metrics(metrics: ServiceMetrics, folder: Path, number: int, count: int) -> AsyncIterator[None]:
    """Has ``metrics`` tell those of all ``count`` processes inside the block, each with its number as a label.

    They find one another by sockets in ``folder``, which is theirs alone. Where there can be none, as in a folder with
    a very long path, each tells its own figures.
    """
    own = _socket(folder, number)
    own.unlink(missing_ok=True)

    async def tell(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            writer.write((await metrics.own_text()).encode())
            await writer.drain()

    async def tell_all() -> str:
        numbers = range(1, count + 1)
        texts = await asyncio.gather(
            *(metrics.own_text() if other == number else _ask(_socket(folder, other)) for other in numbers)
        )
        return merged({str(other): text for other, text in zip(numbers, texts, strict=True)}, LABEL)

    try:
        server = await asyncio.start_unix_server(tell, own)
    except OSError as error:
        log.warning("each worker tells its own figures only", reason=str(error))
        yield
        return
    own.chmod(0o600)
    metrics.tell_with(tell_all)
    try:
        yield
    finally:
        server.close()
        own.unlink(missing_ok=True)


async def _ask(socket: Path) -> str:
    try:
        async with asyncio.timeout(ASK_SECONDS):
            reader, writer = await asyncio.open_unix_connection(socket)
            with contextlib.closing(writer):
                return (await reader.read()).decode()
    except (OSError, TimeoutError):
        return ""


def _socket(folder: Path, number: int) -> Path:
    return folder / f"metrics-{number}.socket"
