"""SQLite off the event loop: one writer that commits in groups, readers that see a snapshot, recorded migrations."""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlite_utils import Database as Connection

from customvision.common.errors import ConfigurationError, StorageFull

__all__ = ["Connection", "Database", "Migration"]

Result = TypeVar("Result")
Migration = Callable[[Connection], None]

READERS = 4
MAX_GROUP = 64
BUSY_MILLISECONDS = 10_000


@dataclass
class _Write:
    work: Callable[[Connection], Any]
    future: "Future[Any]"


class Database:
    """One SQLite file in WAL mode. Thread-safe; ``read`` and ``write`` are for the event loop.

    Writes that wait together are committed together, with one fsync, each in a savepoint of its own: an error
    in one undoes that one only. A write's future resolves after the commit, so what is answered is durable.
    """

    def __init__(self, path: Path, migrations: Sequence[Migration]) -> None:
        self._path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix=f"{path.stem}-reader")
        self._writes: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        connection = self._connect()
        try:
            migrate(connection, migrations, path)
        except sqlite3.DatabaseError as error:
            raise ConfigurationError(
                f"The database {path} cannot be used ({error}). Restore it from a backup."
            ) from error
        self._writer = threading.Thread(target=self._write_loop, args=(connection,), name=f"{path.stem}-writer")
        self._writer.start()

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """Runs ``work`` on a reader thread, within one read transaction, and returns what it returns."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """Runs ``work`` in a write transaction and returns what it returns once that is durably committed.

        Raises what ``work`` raises, with nothing changed, StorageFull where the disk is full, and RuntimeError
        once the database is closed.
        A caller that is cancelled does not undo a write that was begun; one that has not begun is left out.
        """
        future: Future[Result] = Future()
        with self._closing:
            if self._closed:
                raise RuntimeError(f"the database {self._path} is closed")
            self._writes.put(_Write(work, future))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Finishes the writes that were begun and closes the file."""
        with self._closing:
            self._closed = True
            self._writes.put(None)
        self._writer.join()
        self._readers.shutdown()
        for connection in self._connections:
            connection.close()

    def _read(self, work: Callable[[Connection], Result]) -> Result:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
        connection.conn.execute("BEGIN")
        try:
            return work(connection)
        finally:
            connection.conn.execute("ROLLBACK")

    def _write_loop(self, connection: Connection) -> None:
        while (first := self._writes.get()) is not None:
            group = [first]
            closing = False
            while len(group) < MAX_GROUP and not self._writes.empty():
                following = self._writes.get()
                if following is None:
                    closing = True
                    break
                group.append(following)
            # A future that is marked as running can no longer be cancelled under the writer's hands.
            awaited = [write for write in group if write.future.set_running_or_notify_cancel()]
            _commit_together(connection.conn, connection, awaited)
            if closing:
                return

    def _connect(self) -> Connection:
        try:
            raw = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            raw.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
            raw.execute("PRAGMA journal_mode = WAL")
            # NORMAL loses acknowledged commits at a power cut.
            raw.execute("PRAGMA synchronous = FULL")
            raw.execute("PRAGMA foreign_keys = ON")
        except sqlite3.Error as error:
            raise ConfigurationError(
                f"The database {self._path} cannot be opened ({error}). Restore it from a backup, or move it away."
            ) from error
        self._connections.append(raw)
        return Connection(raw)


def _commit_together(raw: sqlite3.Connection, connection: Connection, group: list[_Write]) -> None:
    outcomes: list[tuple[_Write, Any, BaseException | None]]
    try:
        if raw.in_transaction:
            # The last group failed and could not even be undone.
            raw.execute("ROLLBACK")
        raw.execute("BEGIN IMMEDIATE")
        outcomes = [(write, *_run_in_savepoint(raw, connection, write)) for write in group]
        raw.execute("COMMIT")
    except sqlite3.Error as error:
        # Where this fails too, the next group begins with it.
        with contextlib.suppress(sqlite3.Error):
            if raw.in_transaction:
                raw.execute("ROLLBACK")
        failure = _explained(error)
        outcomes = [(write, None, failure) for write in group]
    for write, result, error_or_none in outcomes:
        if error_or_none is None:
            write.future.set_result(result)
        else:
            write.future.set_exception(error_or_none)


def _run_in_savepoint(
    raw: sqlite3.Connection, connection: Connection, write: _Write
) -> tuple[Any, BaseException | None]:
    raw.execute("SAVEPOINT work")
    try:
        result = write.work(connection)
    # Whatever a write raises is its caller's; the writer thread must live.
    except BaseException as error:
        if not raw.in_transaction:
            # SQLite undid the whole transaction (disk full, I/O error): the group has failed together.
            raise error if isinstance(error, sqlite3.Error) else sqlite3.OperationalError(str(error)) from error
        raw.execute("ROLLBACK TO work")
        raw.execute("RELEASE work")
        return None, error
    raw.execute("RELEASE work")
    return result, None


def _explained(error: sqlite3.Error) -> Exception:
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return StorageFull()
    return error


def migrate(connection: Connection, migrations: Sequence[Migration], path: Path) -> None:
    """Applies the migrations that the database has not had, each in a transaction with the record that it ran.

    Raises ConfigurationError where the database had a migration that this program does not know.
    """
    raw = connection.conn
    raw.execute("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL)")
    applied = {row[0] for row in raw.execute("SELECT name FROM migrations")}
    unknown = applied - {migration.__name__ for migration in migrations}
    if unknown:
        raise ConfigurationError(
            f"The database {path} was written by a newer version of Custom Vision ({', '.join(sorted(unknown))}). "
            "Install that version, or a newer one."
        )
    for migration in migrations:
        if migration.__name__ in applied:
            continue
        raw.execute("BEGIN IMMEDIATE")
        try:
            migration(connection)
            now = datetime.now(UTC).isoformat()
            raw.execute("INSERT INTO migrations (name, applied_at) VALUES (?, ?)", (migration.__name__, now))
            raw.execute("COMMIT")
        except BaseException:
            raw.execute("ROLLBACK")
            raise
