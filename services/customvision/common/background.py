"""Work that goes on beside a service for as long as the service is open."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, NoReturn

import structlog

SECONDS_AFTER_ERROR = 1.0

log = structlog.get_logger()


@contextlib.asynccontextmanager
async def in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs ``work`` inside the ``async with`` block and cancels it, where it has not ended, at the block's end.

    An error that ends it is logged when it happens.
    """
    task = asyncio.create_task(work)
    task.add_done_callback(_log_error)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def forever(work: Callable[[], Awaitable[None]], *, seconds_after_error: float = SECONDS_AFTER_ERROR) -> NoReturn:
    """Repeats ``work``, which waits for its occasions itself. An error is logged; after a pause the work goes on."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("work in the background met an error that nobody foresaw; it goes on")
            await asyncio.sleep(seconds_after_error)


def _log_error(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("work in the background ended on an error", exc_info=error)
