"""Threads that compute for an event loop."""

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

import pytest

from customvision.prediction.errors import PredictionTooLate
from customvision.prediction.worker_threads import LONGEST_RETRY_SECONDS, SHORTEST_RETRY_SECONDS, WorkerThreads


class Image:
    """Stands for an image's bytes, which nothing may hold on to."""


@contextmanager
def threads(count: int = 2) -> Iterator[WorkerThreads]:
    """Yields threads that are closed at the end."""
    workers = WorkerThreads(count, at_once=count)
    try:
        yield workers
    finally:
        workers.close()


def fail(_: Image) -> None:
    """Fails."""
    raise ValueError("damaged")


async def test_threads_are_left_for_other_projects() -> None:
    """However much a project asks, and however long it takes, another's work is begun at once."""
    released = threading.Event()
    workers = WorkerThreads(3, at_once=2)
    slow = [asyncio.create_task(workers.run("slow", lambda: released.wait(10), None)) for _ in range(9)]
    try:
        assert [await workers.run("quick", partial(abs, -number), None) for number in range(50)] == list(range(50))
        assert not any(task.done() for task in slow)
        assert workers.queued_count == 7
        released.set()
        assert all(await asyncio.gather(*slow))
    finally:
        released.set()
        workers.close()


async def test_who_works_alone_is_told_from_who_does_not() -> None:
    """Work is alone while no other thread has any, whatever else waits for its result, and again afterwards."""
    with threads() as workers:
        assert await workers.run("p", workers.one_works, None)
        released, begun = threading.Event(), threading.Event()

        def hold() -> None:
            begun.set()
            released.wait(10)

        held = asyncio.create_task(workers.run("p", hold, None))
        assert await asyncio.to_thread(begun.wait, 10)
        assert not await workers.run("q", workers.one_works, None)
        released.set()
        await held
        assert await workers.run("p", workers.one_works, None)


async def test_results_and_errors_reach_who_asked() -> None:
    """Of many at once each gets its own."""
    with threads() as workers:
        work = [workers.run(f"project {number % 7}", partial(divmod, number, 10), None) for number in range(200)]
        assert await asyncio.gather(*work) == [divmod(number, 10) for number in range(200)]
        with pytest.raises(ZeroDivisionError):
            await workers.run("p", partial(divmod, 1, 0), None)


async def test_an_image_is_held_by_nobody_once_it_is_answered() -> None:
    """Neither result nor error nor a thread that waits holds what was worked on, without any help of the collector."""
    gc.disable()
    try:
        with threads(count=1) as workers:
            held = []
            for work in (lambda image: str(image), fail):
                image = Image()
                held.append(weakref.ref(image))
                with suppress(ValueError):
                    await workers.run("p", partial(work, image), None)
                del image
            # By the next answer the thread has let go of the ones before.
            await workers.run("p", int, None)
            assert [reference() for reference in held] == [None, None]
    finally:
        gc.enable()


async def test_a_deadline_that_has_passed_is_not_worked_for() -> None:
    """The work is left undone, and its caller told."""
    begun: list[int] = []
    with threads() as workers, pytest.raises(PredictionTooLate):
        await workers.run("p", lambda: begun.append(1), 0.0)
    assert begun == []


async def test_the_estimate_follows_what_work_takes_within_bounds() -> None:
    """Twice the questions take twice as long; slow work makes the estimate grow; nothing is told to come back never."""
    released = threading.Event()
    with threads(count=1) as workers:
        before = workers.seconds_for(100)
        assert workers.seconds_for(200) == pytest.approx(2 * before)
        waiting = asyncio.create_task(workers.run("p", lambda: released.wait(10), None))
        await asyncio.sleep(0.3)
        released.set()
        await waiting
        assert workers.seconds_for(100) > before
        assert workers.seconds_for(0) == SHORTEST_RETRY_SECONDS
        assert workers.seconds_for(10**9) == LONGEST_RETRY_SECONDS


# One work ends a moment after the loop that it worked for, the other only with the process.
LEFT_BEHIND = """
import asyncio, threading
from functools import partial
from customvision.prediction.worker_threads import WorkerThreads
released, never = threading.Event(), threading.Event()
begun = {}
def work(held):
    begun[held] = threading.current_thread()
    held.wait()
async def main():
    workers = WorkerThreads(2, at_once=2)
    waiting = [asyncio.create_task(workers.run("p", partial(work, held), None)) for held in (released, never)]
    while len(begun) < 2:
        await asyncio.sleep(0.01)
    workers.close()
asyncio.run(main())
released.set()
begun[released].join()
print("ended")
"""


def test_a_process_ends_although_a_thread_still_works() -> None:
    """Closing does not wait for work that takes for ever, and what ends after the event loop does so silently."""
    ended = subprocess.run([sys.executable, "-c", LEFT_BEHIND], capture_output=True, text=True, timeout=30, check=True)
    assert (ended.stdout, ended.stderr) == ("ended\n", "")
