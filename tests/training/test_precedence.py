"""Work that gives way to runs."""

import asyncio

import pytest

from customvision.training.runs.precedence import Precedence


class Work:
    """Work that goes on until it may end; ``begun`` and ``cancelled`` tell what became of it."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.cancelled = False

    async def __call__(self) -> None:
        """Works."""
        self.begun.set()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


async def test_work_ends_when_a_run_begins() -> None:
    """A run cancels the work, whose caller goes on; what begins later waits for the end of every run."""
    precedence, first, second = Precedence(), Work(), Work()
    giving_way = asyncio.create_task(precedence.give_way(first))
    await first.begun.wait()
    with precedence.of_a_run():
        await giving_way
        assert first.cancelled
        with precedence.of_a_run():
            waiting = asyncio.create_task(precedence.give_way(second))
        # Long enough for the other to begin, were it to.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not second.begun.is_set()
    await second.begun.wait()
    second.may_end.set()
    await waiting
    assert not second.cancelled


async def test_cancelled_caller_takes_its_work_along() -> None:
    """Who is cancelled while the work goes on ends only once the work has."""
    work = Work()
    giving_way = asyncio.create_task(Precedence().give_way(work))
    await work.begun.wait()
    giving_way.cancel()
    with pytest.raises(asyncio.CancelledError):
        await giving_way
    assert work.cancelled


async def test_errors_of_the_work_reach_its_caller() -> None:
    """An error of the work is the caller's."""

    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await Precedence().give_way(fail)
