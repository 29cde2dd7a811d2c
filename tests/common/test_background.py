"""Work beside a service."""

import asyncio

import pytest
from structlog.testing import capture_logs

from customvision.common.background import forever, in_background


async def test_work_goes_on_after_an_error() -> None:
    """An error is logged and the work is done again; only its cancellation ends it."""
    times = 0
    third = asyncio.Event()

    async def work() -> None:
        nonlocal times
        times += 1
        if times < 3:
            raise OSError("on purpose")
        third.set()
        await asyncio.Event().wait()

    with capture_logs() as logs:
        async with asyncio.timeout(30), in_background(forever(work, seconds_after_error=0.0)):
            await third.wait()
    assert [entry["log_level"] for entry in logs] == ["error", "error"]


async def test_death_is_logged_when_it_happens() -> None:
    """Work that ends on an error is in the log while the service still runs, and does not disturb its end."""

    async def work() -> None:
        raise OSError("on purpose")

    with capture_logs() as logs:
        async with asyncio.timeout(30), in_background(work()):
            while not logs:
                await asyncio.sleep(0)
    assert isinstance(logs[0]["exc_info"], OSError)


async def test_error_of_the_service_is_kept() -> None:
    """The background's end hides no error of the block that it ran beside."""
    with pytest.raises(ValueError, match="of the service"):
        async with in_background(asyncio.Event().wait()):  # type: ignore[arg-type]
            raise ValueError("of the service")
