"""How many streams are open, and which gives way."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from customvision.common.authentication import Role
from customvision.common.errors import ResourceExhausted
from customvision.common.open_streams import OpenStreams, StreamSilent, TooManyStreams


async def test_more_than_may_be_open_are_refused() -> None:
    """Past the bound a stream is told when to come back; the other key has places of its own; an end makes room."""
    streams = OpenStreams(most=2)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(streams.place(Role.TRAINING))
        async with streams.place(Role.TRAINING):
            with pytest.raises(TooManyStreams) as refused:
                await stack.enter_async_context(streams.place(Role.TRAINING))
            await stack.enter_async_context(streams.place(Role.PREDICTION))
        await stack.enter_async_context(streams.place(Role.TRAINING))
    assert isinstance(refused.value, ResourceExhausted)
    assert refused.value.retry_after


async def test_the_stream_that_is_silent_longest_gives_way() -> None:
    """It ends with a reason, wherever it waits; one that had a sign of life since stays."""
    streams = OpenStreams(most=2, silent_seconds=0.0)
    opened: list[str] = []
    living = asyncio.Event()

    async def wait(name: str) -> None:
        async with streams.place(Role.PREDICTION) as place:
            opened.append(name)
            await living.wait()
            place.note()
            opened.append(f"{name} lives")
            await asyncio.Event().wait()

    first, second = asyncio.create_task(wait("first")), asyncio.create_task(wait("second"))
    async with asyncio.timeout(10):
        while len(opened) < 2:
            await asyncio.sleep(0)
        async with streams.place(Role.PREDICTION):
            with pytest.raises(StreamSilent):
                await first
            living.set()
            while "second lives" not in opened:
                await asyncio.sleep(0)
            assert not second.done()
    second.cancel()


async def test_other_time_limits_are_not_taken_for_silence() -> None:
    """A TimeoutError of the work itself passes through."""
    async with asyncio.timeout(10):
        with pytest.raises(TimeoutError, match="its own"):
            async with OpenStreams().place(Role.TRAINING):
                raise TimeoutError("its own")
