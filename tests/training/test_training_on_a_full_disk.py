"""A disk without room: before a run, in the middle of its work, and for the service's own database."""

import asyncio
import contextlib
import errno
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.training.computation.full_disk import is_full_disk
from customvision.training.runs import attempt, disk_space
from customvision.v1 import iterations_pb2, training_service_pb2
from scripted_training import SUCCEEDS, ScriptChild, ScriptedTraining
from training_suite import TrainingSuite, colored_photos, computing_processes

FAILED = training_service_pb2.TRAINING_STATE_FAILED
SUCCEEDED = training_service_pb2.TRAINING_STATE_SUCCEEDED
RAN_FULL = "The disk ran full while the training worked. Make room, then train again."

SHAPES: list[BaseException] = [
    OSError(errno.ENOSPC, "No space left on device"),
    OSError("Can't write data (file write failed: errno = 28, error message = 'No space left on device')"),
    RuntimeError("RESOURCE_EXHAUSTED: model.keras; No space left on device"),
]


@pytest.mark.parametrize("error", SHAPES, ids=["Python", "HDF5", "TensorFlow"])
def test_full_disk_is_recognised(error: BaseException) -> None:
    """In whatever shape a library brings it, also as the cause of another error; other errors are others."""
    outer = RuntimeError("the checkpoint was not written")
    outer.__cause__ = error
    assert is_full_disk(error)
    assert is_full_disk(outer)
    assert not is_full_disk(OSError(errno.EACCES, "Permission denied"))


def test_full_database_is_recognised(tmp_path: Path) -> None:
    """SQLite says it in its own way, and does not mean a locked file by it."""
    with contextlib.closing(sqlite3.connect(tmp_path / "full.sqlite")) as connection:
        connection.execute("CREATE TABLE rows (value BLOB)")
        connection.execute("PRAGMA max_page_count = 2")
        with pytest.raises(sqlite3.OperationalError) as caught:
            connection.execute("INSERT INTO rows VALUES (zeroblob(100000))")
    assert is_full_disk(caught.value)
    assert not is_full_disk(sqlite3.OperationalError("database is locked"))


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Makes ``folder`` a file system of so many bytes; skips the test where that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a small disk needs the right to mount one ({error})")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path, *, room: int) -> Path:
    """Leaves ``room`` bytes free and returns the file that takes the others."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65536))
        except OSError:
            file.truncate(max(0, file.tell() - room))
    return ballast


@asynccontextmanager
async def serving(settings: Settings, keys: Keys) -> AsyncIterator[TrainingSuite]:
    """Project and training, both serving."""
    suite = TrainingSuite(settings, keys)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(suite.stop_project)
        await suite.start_project()
        stack.push_async_callback(suite.stop_training)
        await suite.start_training()
        yield suite


async def test_run_that_would_not_fit_does_not_begin(
    scripted: ScriptedTraining, script_child: ScriptChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that needs more than is free fails before its process starts, and says how much it needs."""
    script_child(SUCCEEDS)
    monkeypatch.setattr(disk_space, "RESERVE_BYTES", 2**50)
    run = await scripted.finished(await scripted.start("project"))
    assert run.state == FAILED
    assert run.failure_reason.startswith("The training needs about 1024 TiB on the disk of the data folder, and ")
    assert run.failure_reason.endswith("are free. Make room, then train again.")


async def test_cache_of_features_that_meets_a_full_disk(
    prepared_settings: Settings, keys: Keys, tmp_path: Path
) -> None:
    """Where the disk fills while features are kept, the run fails with a sentence, what was kept before stays, and
    the same training succeeds once there is room."""
    with small_disk(tmp_path / "small", "8m") as disk:
        (prepared_settings.home / "training" / "features.sqlite").symlink_to(disk / "features.sqlite")
        async with serving(prepared_settings, keys) as suite:
            project_id, tag_ids = await suite.colored_project(per_tag=5)
            first = await suite.finished(await suite.start(project_id))
            assert first.state == SUCCEEDED
            await suite.upload(project_id, colored_photos(0, 150, first=5), tag_ids[0])
            ballast = fill(disk, room=32 * 1024)
            run = await suite.finished(await suite.start(project_id))
            assert (run.state, run.failure_reason) == (FAILED, RAN_FULL)
            failed = await suite.iteration_with(project_id, run.iteration_id, iterations_pb2.ITERATION_STATUS_FAILED)
            assert failed.failure_reason == RAN_FULL
            await asyncio.to_thread(ballast.unlink)
            again = await suite.start(project_id)
            events = await suite.events(again)
            assert events[-1].state == SUCCEEDED
            embedded = [event.progress.total for event in events if event.progress.phase == 3]
            assert embedded[-1] <= 150


async def test_database_of_runs_that_meets_a_full_disk(
    prepared_settings: Settings, keys: Keys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A service whose own database finds no room goes on answering; no run that it acknowledged is lost, and all end
    once there is room."""
    monkeypatch.setattr(attempt, "check_disk_space", lambda *_: None)
    training = prepared_settings.home / "training"
    kept = tmp_path / "kept"
    training.rename(kept)
    with small_disk(training, "40m") as disk:
        shutil.copytree(kept, disk, dirs_exist_ok=True)
        async with serving(prepared_settings, keys) as suite:
            project_id, _ = await suite.colored_project(per_tag=60)
            ids = [await suite.start(project_id, force=True) for _ in range(3)]
            await suite.reached(ids[0], training_service_pb2.TRAINING_PHASE_EMBEDDING_IMAGES)
            ballast = await asyncio.to_thread(fill, disk, room=0)
            async with asyncio.timeout(60):
                while computing_processes():
                    await asyncio.sleep(0.02)
            listed = await suite.training.ListTrainingRuns(training_service_pb2.ListTrainingRunsRequest())
            assert [run.training_run_id for run in listed.training_runs] == ids[::-1]
            await asyncio.to_thread(ballast.unlink)
            ended = [await suite.finished(run_id) for run_id in ids]
            assert all(run.state in (SUCCEEDED, FAILED) for run in ended)
            assert ended[-1].state == SUCCEEDED
            assert all(run.failure_reason.startswith("The disk") for run in ended if run.state == FAILED)
