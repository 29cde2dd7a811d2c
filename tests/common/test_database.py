"""The database: groups, errors, a full disk, migrations, snapshots, several processes."""

import asyncio
import multiprocessing
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from customvision.common.database import Connection, Database
from customvision.common.errors import ConfigurationError, StorageFull


def create_notes(connection: Connection) -> None:
    """Makes the table of these tests."""
    connection.table("notes").create({"id": int, "text": str}, pk="id")


def add_author(connection: Connection) -> None:
    """A later migration."""
    connection.table("notes").add_column("author", str, not_null_default="")


def fails(connection: Connection) -> None:
    """A migration that changes something and then fails."""
    connection.table("halfway").create({"id": int})
    raise RuntimeError("no good")


def insert(text: str) -> Callable[[Connection], int]:
    """Returns a write that adds a note and answers its id."""

    def work(connection: Connection) -> int:
        return connection.execute("INSERT INTO notes (text) VALUES (?)", (text,)).lastrowid or 0

    return work


def texts(connection: Connection) -> list[str]:
    """Reads every note."""
    return [row[0] for row in connection.execute("SELECT text FROM notes ORDER BY id")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / "notes.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    """A database with one table."""
    database = Database(path, [create_notes])
    yield database
    database.close()


async def test_what_is_answered_is_committed(database: Database, path: Path) -> None:
    """Once write returns, another connection sees the row."""
    assert await database.write(insert("a")) == 1
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT text FROM notes").fetchall() == [("a",)]
    other.close()


async def test_writes_that_wait_together_share_a_commit(database: Database) -> None:
    """While one write holds the writer, those behind it gather and go in one transaction."""
    release = threading.Event()
    totals: list[int] = []

    def hold(_: Connection) -> None:
        release.wait(10)

    def note_transaction(connection: Connection) -> None:
        connection.execute("INSERT INTO notes (text) VALUES ('x')")
        totals.append(connection.execute("SELECT count(*) FROM notes").fetchone()[0])

    holding = asyncio.create_task(database.write(hold))
    waiting = [asyncio.create_task(database.write(note_transaction)) for _ in range(20)]
    await asyncio.sleep(0)
    assert await database.read(texts) == []
    release.set()
    await asyncio.gather(holding, *waiting)
    assert totals == list(range(1, 21))


async def test_an_error_undoes_its_own_write_only(database: Database) -> None:
    """In a group of writes the failing one leaves nothing, its neighbours stay."""

    def half(connection: Connection) -> None:
        connection.execute("INSERT INTO notes (text) VALUES ('half')")
        raise ValueError("no")

    release = threading.Event()
    holding = asyncio.create_task(database.write(lambda _: release.wait(10)))
    writes = [database.write(work) for work in (insert("before"), half, insert("after"))]
    group = asyncio.gather(*writes, return_exceptions=True)
    await asyncio.sleep(0)
    release.set()
    results = await group
    await holding
    assert isinstance(results[1], ValueError)
    assert await database.read(texts) == ["before", "after"]


async def test_a_constraint_error_reaches_the_caller_and_the_writer_lives(database: Database) -> None:
    """A violated constraint is the caller's to handle; the next write works."""
    await database.write(insert("a"))
    with pytest.raises(sqlite3.IntegrityError):
        await database.write(lambda connection: connection.execute("INSERT INTO notes (id) VALUES (1)"))
    await database.write(insert("b"))
    assert await database.read(texts) == ["a", "b"]


async def test_a_full_disk_is_told_and_changes_nothing(database: Database) -> None:
    """The whole group is undone, the error says what to do, and there is life afterwards."""
    await database.write(insert("small"))
    pages = (await database.read(lambda connection: connection.execute("PRAGMA page_count").fetchone()))[0]
    await _limit_pages(database, pages + 2)
    results = await asyncio.gather(
        *(database.write(insert("large" * 20_000)) for _ in range(3)), return_exceptions=True
    )
    assert all(isinstance(result, StorageFull) for result in results)
    assert "Make room" in str(results[0])
    await _limit_pages(database, 1_000_000)
    await database.write(insert("after"))
    assert await database.read(texts) == ["small", "after"]


async def _limit_pages(database: Database, count: int) -> None:
    def limit(connection: Connection) -> None:
        connection.execute(f"PRAGMA max_page_count = {count}")

    await database.write(limit)


async def test_a_reader_sees_one_moment(database: Database) -> None:
    """A row committed while a read runs does not appear in its middle."""
    await database.write(insert("first"))
    began, go_on = threading.Event(), threading.Event()

    def twice(connection: Connection) -> tuple[list[str], list[str]]:
        before = texts(connection)
        began.set()
        go_on.wait(10)
        return before, texts(connection)

    reading = asyncio.create_task(database.read(twice))
    await asyncio.to_thread(began.wait, 10)
    await database.write(insert("second"))
    go_on.set()
    before, after = await reading
    assert before == after == ["first"]
    assert await database.read(texts) == ["first", "second"]


async def test_a_caller_that_goes_away_does_not_hurt_the_others(database: Database) -> None:
    """A write whose caller was cancelled while it waited neither stops the writer nor the writes behind it."""
    release = threading.Event()
    holding = asyncio.create_task(database.write(lambda _: release.wait(10)))
    await asyncio.sleep(0)
    gone = asyncio.create_task(database.write(insert("gone")))
    behind = asyncio.create_task(database.write(insert("behind")))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    release.set()
    await asyncio.wait_for(asyncio.gather(holding, behind), 10)
    assert "behind" in await database.read(texts)


async def test_a_write_that_raises_an_interrupt_does_not_leave_callers_waiting(database: Database) -> None:
    """Whatever a write raises, its caller hears of it and the writer lives."""

    class Abrupt(BaseException):
        """Not an Exception, as an interrupt is not."""

    def interrupted(_: Connection) -> None:
        raise Abrupt

    with pytest.raises(Abrupt):
        await asyncio.wait_for(database.write(interrupted), 10)
    await asyncio.wait_for(database.write(insert("after")), 10)


async def test_a_group_that_cannot_be_undone_does_not_end_the_writer(database: Database) -> None:
    """Where neither COMMIT nor ROLLBACK works, the caller hears of it; once they work, so does the next write."""
    denied = {"COMMIT", "ROLLBACK"}

    def deny(connection: Connection) -> None:
        insert("lost")(connection)
        connection.conn.set_authorizer(
            lambda action, name, *_: (
                sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_TRANSACTION and name in denied else sqlite3.SQLITE_OK
            )
        )

    with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
        await asyncio.wait_for(database.write(deny), 10)
    with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
        await asyncio.wait_for(database.write(insert("still")), 10)
    denied.clear()
    await asyncio.wait_for(database.write(insert("after")), 10)
    assert await database.read(texts) == ["after"]


async def test_a_write_after_the_close_is_refused_at_once(path: Path) -> None:
    """Nobody waits for a writer that has ended; what was written before is there."""
    database = Database(path, [create_notes])
    await database.write(insert("kept"))
    database.close()
    with pytest.raises(RuntimeError, match="closed"):
        await asyncio.wait_for(database.write(insert("late")), 10)
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT text FROM notes").fetchall() == [("kept",)]
    other.close()


async def test_migrations_run_once_in_order_and_an_old_database_is_upgraded(path: Path) -> None:
    """A database made by an older version keeps its rows and gets the new column."""
    old = Database(path, [create_notes])
    await old.write(insert("kept"))
    old.close()
    for _ in range(2):
        new = Database(path, [create_notes, add_author])
        rows = await new.read(lambda connection: list(connection["notes"].rows))
        new.close()
    assert rows == [{"id": 1, "text": "kept", "author": ""}]


def test_a_failing_migration_changes_nothing(path: Path) -> None:
    """Neither its tables nor its record stay, so that a corrected one can run."""
    with pytest.raises(RuntimeError):
        Database(path, [create_notes, fails])
    raw = sqlite3.connect(path)
    assert raw.execute("SELECT name FROM migrations").fetchall() == [("create_notes",)]
    assert raw.execute("SELECT count(*) FROM sqlite_master WHERE name = 'halfway'").fetchone() == (0,)
    raw.close()


def test_a_database_of_a_newer_version_is_refused(path: Path) -> None:
    """An older program names the migration that it does not know, and touches nothing."""
    Database(path, [create_notes, add_author]).close()
    with pytest.raises(ConfigurationError, match=r"newer version.*add_author"):
        Database(path, [create_notes])


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    """A damaged file ends the start with a sentence that names it."""
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(ConfigurationError, match=r"notes\.db"):
        Database(path, [create_notes])


def _write_many(path: Path, name: str) -> None:
    async def write() -> None:
        database = Database(path, [create_notes])
        for number in range(50):
            await database.write(insert(f"{name}{number}"))
        database.close()

    asyncio.run(write())


async def test_two_processes_write_without_locked_errors(database: Database, path: Path) -> None:
    """Writers of several processes wait for one another; no row is lost."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write_many, args=(path, name)) for name in "ab"]
    for process in processes:
        process.start()
    await asyncio.gather(*(database.write(insert(f"c{number}")) for number in range(50)))
    for process in processes:
        await asyncio.to_thread(process.join, 60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert len(set(await database.read(texts))) == 150
