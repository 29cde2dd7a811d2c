"""Runs and events in the database."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from customvision.common.database import Connection, Database
from customvision.common.notifier import Notifier
from customvision.training.runs.event import Detail, FineTuning, Metrics, Progress, StateChanged, Warned
from customvision.training.runs.run import (
    Phase,
    RunNotFound,
    RunState,
    TrainingRun,
    after_work,
    cancelled_before_start,
    failed,
    in_phase,
    queued,
    started,
    unchanged,
)
from customvision.training.runs.run_request import RunRequest, TrainingType
from customvision.training.store.events import EventStore
from customvision.training.store.migrations import MIGRATIONS
from customvision.training.store.runs import RunStore

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty training database."""
    database = Database(tmp_path / "training.sqlite", MIGRATIONS)
    yield database
    database.close()


@pytest.fixture
def notifier() -> Notifier:
    """Who wakes watchers."""
    return Notifier()


@pytest.fixture
def runs(database: Database, notifier: Notifier) -> RunStore:
    """The store of runs."""
    return RunStore(database, notifier)


def new_run(project_id: str = "project", request_id: str | None = None) -> TrainingRun:
    """Returns a run that no store knows."""
    return TrainingRun(
        training_run_id=str(uuid.uuid4()),
        project_id=project_id,
        training_type=TrainingType.QUICK,
        force=False,
        create_time=NOW,
        request_id=request_id,
    )


async def stored(runs: RunStore, project_id: str = "project") -> TrainingRun:
    """Stores a queued run and returns it."""
    run = await runs.insert(new_run(project_id))
    return await runs.record(run.training_run_id, queued(f"iteration of {run.training_run_id}", "I"), StateChanged())


async def test_events_are_numbered_without_gaps(runs: RunStore, database: Database) -> None:
    """Every kind of event is stored with the state it reports and read back as it was, numbered from 1."""
    run = await stored(runs)
    details: list[Detail] = [
        Progress(Phase.EMBEDDING_IMAGES, 3, 10, 1.5, 2.5),
        FineTuning(1, 8, 2, 5, 0.5, 0.75, 1e-4),
        FineTuning(1, 8, 5, 5, 0.4, 0.8, 1e-4, held_out_loss=0.6, held_out_accuracy=0.7, seconds_left=9.0),
        Metrics(0.1, 0.2, 0.3, 0.4, 5),
        Warned("Mind the gap."),
    ]
    await runs.record(run.training_run_id, started(NOW), StateChanged())
    await runs.record(run.training_run_id, in_phase(Phase.EMBEDDING_IMAGES), *details)
    last = await runs.record(run.training_run_id, failed("It broke.", NOW), StateChanged("It broke."))
    events = await EventStore(database).after(run.training_run_id, 0)
    assert [event.sequence for event in events] == list(range(1, 9))
    assert [event.detail for event in events[2:7]] == details
    assert [event.state for event in events] == [
        RunState.QUEUED, *[RunState.RUNNING] * 6, RunState.FAILED
    ]  # fmt: skip
    assert last == await runs.get(run.training_run_id)
    assert (last.last_sequence, last.failure_reason, last.outcome_reported) == (8, "It broke.", False)


async def test_ended_run_takes_no_more_events(runs: RunStore, database: Database) -> None:
    """What a dying process still says about a run that has ended is neither stored nor told."""
    run = await stored(runs)
    await runs.record(run.training_run_id, cancelled_before_start(NOW), StateChanged())
    for change in (in_phase(Phase.SAVING), unchanged, failed("Late.", NOW), started(NOW)):
        assert (await runs.record(run.training_run_id, change, StateChanged())).state is RunState.CANCELLED
    assert len(await EventStore(database).after(run.training_run_id, 0)) == 2


async def test_failed_event_leaves_the_run_unchanged(runs: RunStore, database: Database) -> None:
    """State and event are one transaction: where the event cannot be stored, the state does not change."""
    run = await stored(runs)

    def occupy(connection: Connection) -> None:
        connection.conn.execute("INSERT INTO events VALUES (?, 2, '', 'queued', '{}')", (run.training_run_id,))

    await database.write(occupy)
    with pytest.raises(Exception, match="UNIQUE"):
        await runs.record(run.training_run_id, started(NOW), StateChanged())
    assert (await runs.get(run.training_run_id)).state is RunState.QUEUED


async def test_request_id_answers_the_run_it_made(runs: RunStore) -> None:
    """A second insert with the same request id returns the first run and stores nothing."""
    first = await runs.insert(new_run(request_id="r"))
    assert await runs.insert(new_run(request_id="r")) == first
    other = await runs.insert(new_run())
    assert other != first


async def test_runs_being_prepared_are_not_shown(runs: RunStore) -> None:
    """A run without an iteration is neither listed nor found by callers."""
    run = await runs.insert(new_run())
    with pytest.raises(RunNotFound):
        await runs.get(run.training_run_id)
    assert (await runs.page(project_id="", iteration_id="", before=None, size=10)).runs == []


async def test_pages_follow_each_other(runs: RunStore) -> None:
    """Pages come newest first, without gaps or repeats, also when a run arrives in between; filters hold."""
    ids = [(await stored(runs)).training_run_id for _ in range(5)]
    other = await stored(runs, "other")
    first = await runs.page(project_id="project", iteration_id="", before=None, size=2)
    await stored(runs)
    second = await runs.page(project_id="project", iteration_id="", before=first.next_position, size=2)
    third = await runs.page(project_id="project", iteration_id="", before=second.next_position, size=2)
    assert [run.training_run_id for run in first.runs + second.runs + third.runs] == ids[::-1]
    assert third.next_position is None
    named = await runs.page(project_id="", iteration_id=other.iteration_id, before=None, size=2)
    assert [run.training_run_id for run in named.runs] == [other.training_run_id]


async def test_names_are_kept_verbatim(runs: RunStore) -> None:
    """What users name is data: quotes, emoji and SQL come back as they were."""
    name = "Iteration '); DROP TABLE runs; -- \N{CHERRY BLOSSOM}"
    run = await runs.insert(new_run("project' OR 1=1"))
    await runs.record(run.training_run_id, queued("iteration", name), StateChanged())
    assert (await runs.get(run.training_run_id)).iteration_name == name
    page = await runs.page(project_id="project' OR 1=1", iteration_id="", before=None, size=2)
    assert len(page.runs) == 1


async def test_what_was_asked_for_is_kept(runs: RunStore) -> None:
    """Budget, selected tags and base come back as they were, and so do the seconds used."""
    asked = replace(
        new_run(),
        training_type=TrainingType.ADVANCED,
        budget_seconds=90.5,
        selected_tag_ids=("b", "a"),
        base_iteration_id="base",
        base_project_id="other",
    )
    await runs.insert(asked)
    await runs.record(asked.training_run_id, queued("iteration", "I"), StateChanged())
    used = await runs.record(asked.training_run_id, after_work(started(NOW), 12.25), StateChanged())
    found = await runs.get(asked.training_run_id)
    assert found == used
    assert (found.request, found.used_seconds) == (asked.request, 12.25)


async def test_database_of_the_first_version_opens(tmp_path: Path) -> None:
    """Runs that were stored before advanced training came are quick ones without selected tags."""
    file = tmp_path / "old.sqlite"
    old = Database(file, MIGRATIONS[:1])
    columns = (
        "training_run_id, project_id, iteration_id, iteration_name, training_type, force, state, phase, create_time, "
        "failure_reason, last_sequence, attempt, kills, cancel_requested, outcome_reported"
    )
    values = "'r', 'p', 'i', 'I', 'quick', 1, 'succeeded', 'saving', '2026-01-02T03:04:05+00:00', '', 0, 1, 0, 0, 1"

    def insert(connection: Connection) -> None:
        connection.conn.execute(f"INSERT INTO runs ({columns}) VALUES ({values})")  # noqa: S608 - constants

    await old.write(insert)
    old.close()
    database = Database(file, MIGRATIONS)
    run = await RunStore(database, Notifier()).get("r")
    database.close()
    assert run.request == RunRequest("p", TrainingType.QUICK, force=True)
    assert run.used_seconds == 0
