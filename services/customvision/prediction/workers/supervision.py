"""The process above the workers: it keeps address and data folder for them, and keeps them running."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator

import structlog

from customvision.common.background import in_background
from customvision.common.folder_lock import FolderLock
from customvision.common.listening import hold
from customvision.common.program import log_serving
from customvision.common.service_process import ServiceProcess
from customvision.common.settings import Settings, setting_of_address
from customvision.common.supervisor import Supervisor
from customvision.prediction.worker import remove_surplus_caches

# Shorter than what a supervisor of this process allows it, so that no worker outlives us.
STOP_SECONDS = 8.0

log = structlog.get_logger()


async def serve_with_workers(settings: Settings, stopping: asyncio.Event) -> None:
    """Has ``settings.prediction_workers`` processes serve until ``stopping`` is set, then drains them all at once.

    One that dies is started again while the others serve on. Raises ConfigurationError where they cannot start.
    """
    count = settings.prediction_workers
    folder = settings.folder("prediction")
    async with contextlib.AsyncExitStack() as stack:
        lock = FolderLock(folder, user="serve prediction")
        stack.callback(lock.release)
        holder, address = hold(settings.prediction_address, "prediction")
        stack.enter_context(holder)
        await asyncio.to_thread(remove_surplus_caches, folder, count)
        telling = await stack.enter_async_context(_telling_who_serves(address, count))
        workers = [
            ServiceProcess(
                f"prediction (worker {number})",
                (sys.executable, "-P", "-m", "customvision.prediction.workers", str(number), str(telling)),
                environment={setting_of_address("prediction"): address},
                # The folder stays locked until the last worker is gone, also where this process is killed.
                descriptors=(telling, lock.descriptor),
                stop_seconds=settings.drain_seconds + STOP_SECONDS,
            )
            for number in range(1, count + 1)
        ]
        await Supervisor(workers, stopping, together=True).run()


@contextlib.asynccontextmanager
async def _telling_who_serves(address: str, count: int) -> AsyncIterator[int]:
    """Yields a descriptor into which each worker writes its number, in a line, when it serves."""
    reading, writing = os.pipe()
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb")
    )
    try:
        async with in_background(_tell_who_serves(reader, address, count)):
            yield writing
    finally:
        os.close(writing)
        transport.close()


async def _tell_who_serves(reader: asyncio.StreamReader, address: str, count: int) -> None:
    """Logs each worker that serves, and once that all do."""
    serving: set[bytes] = set()
    while line := await reader.readline():
        log.info("a worker serves", worker=int(line))
        if line not in serving:
            serving.add(line)
            if len(serving) == count:
                log_serving(address)
