"""Kept exports in the database, in the order in which they were asked for."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from customvision.common.database import Connection, Database
from customvision.training.export.export_format import ExportFormat
from customvision.training.export.kept_export import ExportState, KeptExport

_NAMES = (
    "project_id",
    "iteration_id",
    "format",
    "file_name",
    "create_time",
    "asked_time",
    "sequence",
    "state",
    "attempt",
    "failure_reason",
    "stored_name",
    "size_bytes",
)
_COLUMNS = ", ".join(_NAMES)
_KEY = "project_id = ? AND iteration_id = ? AND format = ?"


class ExportStore:
    """The exports of this service. A change of one that is gone, or made anew meanwhile, changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def start(self, export: KeptExport) -> KeptExport:
        """Stores a new export and returns it, or the one that there is, unless that failed: then it is made anew."""

        def work(connection: Connection) -> KeptExport:
            key = (export.project_id, export.iteration_id, export.format.value)
            known = _one(connection, _KEY, key)
            if known is not None and known.state is not ExportState.FAILED:
                _ask(connection, [known])
                return known
            connection.conn.execute(f"DELETE FROM exports WHERE {_KEY}", key)  # noqa: S608 - a constant
            connection.conn.execute(
                "INSERT INTO exports (project_id, iteration_id, format, file_name, create_time, asked_time, state) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*key, export.file_name, export.create_time.isoformat(), export.asked_time.isoformat(), "exporting"),
            )
            return export

        return await self._database.write(work)

    async def asked_for(
        self, project_id: str, iteration_id: str, export_format: ExportFormat | None = None
    ) -> list[KeptExport]:
        """Returns an iteration's exports, oldest first, or that in one format; those that are done are kept longer."""

        def work(connection: Connection) -> list[KeptExport]:
            found = _several(connection, "project_id = ? AND iteration_id = ?", (project_id, iteration_id))
            wanted = [export for export in found if export_format in (None, export.format)]
            _ask(connection, [export for export in wanted if export.state is ExportState.DONE])
            return wanted

        return await self._database.write(work)

    async def next_to_make(self) -> KeptExport | None:
        """Returns the export that was asked for first of those that are not made."""
        return await self._database.read(
            lambda connection: _one(connection, "state = ?", (ExportState.EXPORTING.value,))
        )

    async def begin_attempt(self, export: KeptExport) -> None:
        """Counts an attempt at making it."""
        await self._change(export, "attempt = attempt + 1")

    async def finish(self, export: KeptExport, stored_name: str, size_bytes: int) -> None:
        """The file is there."""
        await self._end(export, ExportState.DONE, "stored_name = ?, size_bytes = ?", stored_name, size_bytes)

    async def fail(self, export: KeptExport, reason: str) -> None:
        """It could not be made, for a reason that its user reads."""
        await self._end(export, ExportState.FAILED, "failure_reason = ?", reason)

    async def iterations(self) -> list[tuple[str, str]]:
        """Returns the ids of project and iteration of all that have exports."""
        sql = "SELECT DISTINCT project_id, iteration_id FROM exports"
        return await self._database.read(lambda connection: connection.conn.execute(sql).fetchall())

    async def remove_of(self, project_id: str, iteration_id: str) -> None:
        """Removes the exports of an iteration that is gone."""
        sql = "DELETE FROM exports WHERE project_id = ? AND iteration_id = ?"
        await self._database.write(lambda connection: connection.conn.execute(sql, (project_id, iteration_id)))

    async def remove(self, choose: Callable[[Sequence[KeptExport]], Sequence[KeptExport]]) -> set[str]:
        """Removes those that ``choose`` returns of all exports; returns which files the others have."""

        def work(connection: Connection) -> set[str]:
            gone = [(export.sequence,) for export in choose(_several(connection, "TRUE", ()))]
            connection.conn.executemany("DELETE FROM exports WHERE sequence = ?", gone)
            return {export.stored_name for export in _several(connection, "stored_name != ''", ())}

        return await self._database.write(work)

    async def _end(self, export: KeptExport, state: ExportState, change: str, *values: str | int) -> None:
        # Whoever waited for it has its time from now on.
        await self._change(export, f"{change}, state = ?, asked_time = ?", *values, state.value, _now())

    async def _change(self, export: KeptExport, change: str, *values: str | int) -> None:
        sql = f"UPDATE exports SET {change} WHERE sequence = ?"  # noqa: S608 - the methods' constants
        await self._database.write(lambda connection: connection.conn.execute(sql, (*values, export.sequence)))


def _ask(connection: Connection, exports: Sequence[KeptExport]) -> None:
    now = _now()
    asked = [(now, export.sequence) for export in exports]
    connection.conn.executemany("UPDATE exports SET asked_time = ? WHERE sequence = ?", asked)


def _one(connection: Connection, where: str, values: tuple[str, ...]) -> KeptExport | None:
    return next(iter(_several(connection, where, values)), None)


def _several(connection: Connection, where: str, values: tuple[str, ...]) -> list[KeptExport]:
    sql = f"SELECT {_COLUMNS} FROM exports WHERE {where} ORDER BY sequence"  # noqa: S608 - the callers' constants
    return [_from_row(row) for row in connection.conn.execute(sql, values)]


def _from_row(row: Sequence[Any]) -> KeptExport:
    values = dict(zip(_NAMES, row, strict=True))
    times = {name: datetime.fromisoformat(values[name]) for name in ("create_time", "asked_time")}
    enums = {"format": ExportFormat(values["format"]), "state": ExportState(values["state"])}
    return KeptExport(**(values | times | enums))


def _now() -> str:
    return datetime.now(UTC).isoformat()
