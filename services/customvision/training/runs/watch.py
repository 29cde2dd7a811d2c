"""Following a run: every event exactly once and in order, read from the store, however often a watcher reconnects."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from customvision.common.errors import InvalidArgument, OutOfRange
from customvision.common.notifier import Notifier, ServiceStopping, wait
from customvision.training.runs.event import Event
from customvision.training.runs.run import RunState
from customvision.training.store.events import EventStore
from customvision.training.store.runs import RunStore

HEARTBEAT_SECONDS = 10.0


class SequenceNegative(InvalidArgument):
    """The sequence to continue after is below zero."""

    reason = "SEQUENCE_INVALID"


class SequenceNotReached(OutOfRange):
    """The watcher asks to continue after an event that has not happened."""

    reason = "SEQUENCE_NOT_REACHED"


@dataclass(frozen=True)
class Heartbeat:
    """Nothing happened for a while. ``sequence`` is the last one told, ``state`` the run's."""

    training_run_id: str
    sequence: int
    state: RunState


class RunWatch:
    """Streams the events of runs. Slow watchers hold up nobody: each reads at its own pace."""

    def __init__(
        self, runs: RunStore, events: EventStore, notifier: Notifier, *, heartbeat_seconds: float = HEARTBEAT_SECONDS
    ) -> None:
        self._runs = runs
        self._events = events
        self._notifier = notifier
        self._heartbeat_seconds = heartbeat_seconds

    async def follow(self, training_run_id: str, after: int) -> AsyncGenerator[Event | Heartbeat, None]:
        """Yields the run's events after sequence ``after`` and ends after the one that makes its state final.

        Raises RunNotFound, SequenceNegative, SequenceNotReached, and ServiceStopping when the service stops.
        """
        state = await self._check(training_run_id, after)
        told = after
        while True:
            changed = self._notifier.subscribe(training_run_id)
            events = await self._events.after(training_run_id, told)
            for event in events:
                yield event
                told, state = event.sequence, event.state
            if state.final and not events:
                return
            if events:
                continue
            if self._notifier.closed:
                raise ServiceStopping
            if not await wait(changed, self._heartbeat_seconds):
                yield Heartbeat(training_run_id, told, state)

    async def _check(self, training_run_id: str, after: int) -> RunState:
        if after < 0:
            raise SequenceNegative(
                f"after_sequence is {after}; it must be 0 or the last sequence seen.", field="after_sequence"
            )
        run = await self._runs.get(training_run_id)
        if after > run.last_sequence:
            raise SequenceNotReached(
                f"The run has come to event {run.last_sequence}, not {after}; watch from there or from 0.",
                metadata={"after_sequence": str(after), "last_sequence": str(run.last_sequence)},
                field="after_sequence",
            )
        return run.state
