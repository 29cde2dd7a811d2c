"""Following runs."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from customvision.common.database import Database
from customvision.common.notifier import Notifier, ServiceStopping
from customvision.training.runs.event import Event, StateChanged, Warned
from customvision.training.runs.run import (
    RunNotFound,
    TrainingRun,
    cancelled_before_start,
    queued,
    unchanged,
)
from customvision.training.runs.run_request import TrainingType
from customvision.training.runs.watch import Heartbeat, RunWatch, SequenceNegative, SequenceNotReached
from customvision.training.store.events import EventStore
from customvision.training.store.migrations import MIGRATIONS
from customvision.training.store.runs import RunStore

NOW = datetime(2026, 1, 2, tzinfo=UTC)


class Following:
    """A store with one queued run, and watches on it."""

    def __init__(self, database: Database) -> None:
        self.notifier = Notifier()
        self.runs = RunStore(database, self.notifier)
        self.watch = RunWatch(self.runs, EventStore(database), self.notifier, heartbeat_seconds=0.05)

    async def begin(self) -> None:
        """Queues the run."""
        await self.runs.insert(TrainingRun("run", "project", TrainingType.QUICK, force=False, create_time=NOW))
        await self.runs.record("run", queued("iteration", "Iteration 1"), StateChanged())

    async def warn(self, text: str) -> None:
        """Appends one event."""
        await self.runs.record("run", unchanged, Warned(text))

    async def end(self) -> None:
        """Appends the terminal event."""
        await self.runs.record("run", cancelled_before_start(NOW), StateChanged())

    async def sequences(self, after: int) -> list[int]:
        """Returns the numbers of all stored events that a watch tells until it ends."""
        return [event.sequence async for event in self.watch.follow("run", after) if isinstance(event, Event)]


@pytest.fixture
def following(tmp_path: Path) -> Iterator[Following]:
    """Watches on a real store."""
    database = Database(tmp_path / "training.sqlite", MIGRATIONS)
    yield Following(database)
    database.close()


async def test_events_after_the_start_of_a_watch_are_told_once(following: Following) -> None:
    """Watchers of one run, begun before, during and after it, all see every event once and in order."""
    await following.begin()
    early = asyncio.create_task(following.sequences(0))
    for number in range(20):
        await following.warn(str(number))
    between = asyncio.create_task(following.sequences(7))
    await following.end()
    assert await early == list(range(1, 23))
    assert await between == list(range(8, 23))
    assert await following.sequences(0) == list(range(1, 23))
    assert await following.sequences(22) == []


async def test_many_events_are_told_in_order(following: Following) -> None:
    """More events than one read returns arrive all the same."""
    await following.begin()
    await following.runs.record("run", unchanged, *[Warned(str(number)) for number in range(1200)])
    await following.end()
    assert await following.sequences(0) == list(range(1, 1203))


async def test_heartbeats_repeat_the_last_sequence(following: Following) -> None:
    """An idle watch shows that it lives, with the sequence told last."""
    await following.begin()
    watch = following.watch.follow("run", 0)
    told = [await anext(watch) for _ in range(3)]
    assert [event.sequence for event in told] == [1, 1, 1]
    assert [type(event) for event in told] == [Event, Heartbeat, Heartbeat]
    await watch.aclose()


async def test_draining_ends_watches(following: Following) -> None:
    """When the service stops, a watch ends with an error that makes clients come again."""
    await following.begin()
    watch = following.watch.follow("run", 0)
    await anext(watch)
    following.notifier.close()
    with pytest.raises(ServiceStopping):
        await anext(watch)


async def test_what_cannot_be_watched(following: Following) -> None:
    """A sequence that has not happened, a negative one, and an unknown run are told apart."""
    await following.begin()
    for run_id, after, error in (
        ("run", 2, SequenceNotReached),
        ("run", -1, SequenceNegative),
        ("none", 0, RunNotFound),
    ):
        with pytest.raises(error):
            await anext(following.watch.follow(run_id, after))
