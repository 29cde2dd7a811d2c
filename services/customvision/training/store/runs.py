"""Runs in the database. A change of a run and the events that tell it are one transaction."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from customvision.common.database import Connection, Database
from customvision.common.notifier import Notifier
from customvision.training.runs.event import Detail, detail_to_record
from customvision.training.runs.run import Change, NotApplicable, Phase, RunNotFound, RunState, TrainingRun
from customvision.training.runs.run_request import TrainingType

_COLUMNS = (
    "training_run_id, request_id, project_id, iteration_id, iteration_name, training_type, force, state, phase, "
    "create_time, start_time, end_time, failure_reason, last_sequence, attempt, kills, cancel_requested, "
    "outcome_reported, budget_seconds, selected_tag_ids, base_iteration_id, base_project_id, "
    "used_seconds"
)
_NAMES = tuple(_COLUMNS.split(", "))
_INSERT = f"INSERT INTO runs ({_COLUMNS}) VALUES ({', '.join(':' + name for name in _NAMES)})"  # noqa: S608 - constants
_UPDATE = (
    f"UPDATE runs SET {', '.join(f'{name} = :{name}' for name in _NAMES)} "  # noqa: S608 - constants
    "WHERE training_run_id = :training_run_id"
)


@dataclass(frozen=True)
class RunPage:
    """Runs of one page, newest first; ``next_position`` continues after it, None on the last page."""

    runs: list[TrainingRun]
    next_position: int | None


class RunStore:
    """The runs of this service. Every recorded change wakes the watchers of its run."""

    def __init__(
        self, database: Database, notifier: Notifier, on_end: Callable[[TrainingRun], None] = lambda _: None
    ) -> None:
        """``on_end`` is called with each run that ended just now."""
        self._on_end = on_end
        self._database = database
        self._notifier = notifier

    async def insert(self, run: TrainingRun) -> TrainingRun:
        """Stores a new run, and returns it, or the run that has its request id already."""

        def work(connection: Connection) -> TrainingRun:
            known = _find(connection, "request_id", run.request_id) if run.request_id else None
            if known is None:
                connection.conn.execute(_INSERT, _to_row(run))
            return known or run

        return await self._database.write(work)

    async def remove(self, training_run_id: str) -> None:
        """Removes a run that never came to be."""
        await self._database.write(
            lambda connection: connection.conn.execute("DELETE FROM runs WHERE training_run_id = ?", (training_run_id,))
        )

    async def get(self, training_run_id: str) -> TrainingRun:
        """Returns a run that is queued at least. Raises RunNotFound."""
        run = await self._database.read(lambda connection: _find(connection, "training_run_id", training_run_id))
        if run is None or run.state is RunState.PREPARING:
            raise RunNotFound(
                f"There is no training run '{training_run_id}'; ListTrainingRuns shows those that there are.",
                metadata={"training_run_id": training_run_id},
            )
        return run

    async def in_state(self, state: RunState) -> list[TrainingRun]:
        """Returns the runs in ``state``, oldest first."""
        return await self._database.read(lambda connection: _select(connection, "state = ?", (state.value,)))

    async def open_counts(self) -> dict[RunState, int]:
        """Returns how many runs there are in each state that is not final."""
        states = [state for state in RunState if not state.final]
        sql = "SELECT COUNT(*) FROM runs WHERE state = ?"

        def work(connection: Connection) -> dict[RunState, int]:
            return {state: connection.conn.execute(sql, (state.value,)).fetchone()[0] for state in states}

        return await self._database.read(work)

    async def to_report(self) -> list[TrainingRun]:
        """Returns ended runs that the project service has yet to hear of, oldest first."""
        return await self._database.read(lambda connection: _select(connection, "outcome_reported = 0", ()))

    async def page(self, *, project_id: str, iteration_id: str, before: int | None, size: int) -> RunPage:
        """Returns up to ``size`` runs older than position ``before``, newest first; empty ids mean any."""
        filters = {"project_id = ?": project_id, "iteration_id = ?": iteration_id, "position < ?": before}
        used = {clause: value for clause, value in filters.items() if value not in ("", None)}
        where = " AND ".join(["state != 'preparing'", *used])
        sql = f"SELECT position, {_COLUMNS} FROM runs WHERE {where} ORDER BY position DESC LIMIT ?"  # noqa: S608

        def work(connection: Connection) -> RunPage:
            rows = connection.conn.execute(sql, (*used.values(), size + 1)).fetchall()
            runs = [_from_row(row[1:]) for row in rows[:size]]
            return RunPage(runs, rows[size - 1][0] if len(rows) > size else None)

        return await self._database.read(work)

    async def record(self, training_run_id: str, change: Change, *details: Detail) -> TrainingRun:
        """Applies ``change`` and appends an event for each of ``details``; returns the run after it.

        A run that the change does not apply to stays as it is. Raises RunNotFound where there is none.
        """

        def work(connection: Connection) -> tuple[TrainingRun, TrainingRun]:
            run = _find(connection, "training_run_id", training_run_id)
            if run is None:
                raise RunNotFound(f"There is no training run '{training_run_id}'.")
            try:
                return run, _append(connection, run, change(run), details)
            except NotApplicable:
                return run, run

        before, after = await self._database.write(work)
        self._notifier.touch(training_run_id)
        if after.state.final and not before.state.final:
            self._on_end(after)
        return after

    async def mark_reported(self, training_run_id: str) -> None:
        """Remembers that the project service knows how the run ended."""
        sql = "UPDATE runs SET outcome_reported = 1 WHERE training_run_id = ?"
        await self._database.write(lambda connection: connection.conn.execute(sql, (training_run_id,)))


def _append(connection: Connection, before: TrainingRun, after: TrainingRun, details: Sequence[Detail]) -> TrainingRun:
    now = datetime.now(UTC).isoformat()
    events = [
        (after.training_run_id, before.last_sequence + number, now, after.state.value, json.dumps(record))
        for number, record in enumerate(map(detail_to_record, details), start=1)
    ]
    connection.conn.executemany(
        "INSERT INTO events (training_run_id, sequence, event_time, state, detail) VALUES (?, ?, ?, ?, ?)", events
    )
    numbered = replace(after, last_sequence=before.last_sequence + len(events))
    connection.conn.execute(_UPDATE, _to_row(numbered))
    return numbered


def _find(connection: Connection, column: str, value: str) -> TrainingRun | None:
    return next(iter(_select(connection, f"{column} = ?", (value,))), None)


def _select(connection: Connection, where: str, values: tuple[str, ...]) -> list[TrainingRun]:
    sql = f"SELECT {_COLUMNS} FROM runs WHERE {where} ORDER BY position"  # noqa: S608 - the callers' constants
    return [_from_row(row) for row in connection.conn.execute(sql, values)]


def _to_row(run: TrainingRun) -> dict[str, Any]:
    values = {name: getattr(run, name) for name in _NAMES}
    times = {name: _text(values[name]) for name in ("create_time", "start_time", "end_time")}
    enums = {name: values[name].value for name in ("training_type", "state", "phase")}
    return values | times | enums | {"selected_tag_ids": json.dumps(run.selected_tag_ids)}


def _from_row(row: Sequence[Any]) -> TrainingRun:
    values = dict(zip(_NAMES, row, strict=True))
    times = {name: _time(values[name]) for name in ("create_time", "start_time", "end_time")}
    flags = {name: bool(values[name]) for name in ("force", "cancel_requested", "outcome_reported")}
    enums = {
        "training_type": TrainingType(values["training_type"]),
        "state": RunState(values["state"]),
        "phase": Phase(values["phase"]),
    }
    tags = {"selected_tag_ids": tuple(json.loads(values["selected_tag_ids"]))}
    return TrainingRun(**(values | times | flags | enums | tags))


def _text(time: datetime | None) -> str | None:
    return time.isoformat() if time is not None else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None else None
