"""A disk without room: what is sent is refused as a whole, what is stored is read, and room is all it takes."""

import asyncio
import hashlib
import subprocess
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path

import grpc
import pytest
import structlog

from customvision.common.database import Database
from customvision.common.errors import StorageFull
from customvision.common.notifier import Notifier
from customvision.common.settings import Settings
from customvision.project.domain.image_upload import ImageUpload
from customvision.project.domain.project import ClassificationType
from customvision.project.domain.text import new_id
from customvision.project.store import projects
from customvision.project.store.blobs import BlobStore
from customvision.project.store.collector import Collector
from customvision.project.store.migrations import MIGRATIONS
from customvision.project.use_cases import project_importing
from customvision.project.use_cases.image_arrivals import ImageArrivals
from customvision.project.use_cases.image_intake import ImageIntake
from customvision.project.use_cases.projects import Projects
from customvision.v1 import artifacts_pb2, stored_predictions_pb2
from pictures import encoded, photo, picture
from project_calls import (
    Stub,
    add_images,
    add_photos,
    all_of,
    content_of,
    image_list,
    make_project,
    make_trainable,
    refusal_of,
    upload,
    upload_artifact,
)
from project_copying import IMPORTING, SUCCEEDED, begin_copy, ended, project_of, token_of

MEBIBYTE = 1024 * 1024


@pytest.fixture
def small_disk(settings: Settings) -> Iterator[Path]:
    """Makes the home a file system of 16 MiB."""
    settings.home.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(settings.home)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a small disk needs the right to mount one ({error})")
    yield settings.home
    subprocess.run(["umount", "--lazy", settings.home], check=True)


def _fill(disk: Path, *, room: int) -> Path:
    """Leaves ``room`` bytes free and returns the file that takes the others."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            file.truncate(file.tell() - room)
    return ballast


def _blobs(disk: Path) -> set[str]:
    return {path.name for path in (disk / "project" / "blobs").rglob("*") if path.is_file()}


async def _refused(call: Awaitable[object]) -> None:
    refusal = await refusal_of(call)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "STORAGE_FULL")


@pytest.mark.usefixtures("small_disk")
async def test_a_full_disk_refuses_uploads_and_goes_on_once_there_is_room(stub: Stub, settings: Settings) -> None:
    """Batches, streams and artifacts are refused and leave no file; reading goes on; no restart is needed."""
    project_id = (await make_project(stub)).project_id
    [image] = await add_photos(stub, project_id, [1])
    present = _blobs(settings.home)
    large = encoded(picture(2, size=(900, 700)), "PNG")
    model = b"".join(hashlib.sha256(bytes([number])).digest() for number in range(256)) * 128
    digest = hashlib.sha256(model).hexdigest()
    ballast = _fill(settings.home, room=512 * 1024)
    for _ in range(2):
        await _refused(add_images(stub, project_id, [photo(2), large]))
        await _refused(upload(stub, project_id, [photo(3), large]))
        await _refused(upload_artifact(stub, digest, len(model), [model]))
    assert _blobs(settings.home) == present
    assert await image_list(stub, project_id) == [image]
    assert hashlib.sha256(await content_of(stub, image)).hexdigest() == image.content_sha256
    ballast.unlink()
    assert len(await add_images(stub, project_id, [photo(2), large])) == 2
    await upload_artifact(stub, digest, len(model), [model])
    chunks = await all_of(stub.GetArtifact(artifacts_pb2.GetArtifactRequest(sha256=digest)))
    assert b"".join(chunk.data for chunk in chunks) == model


@pytest.mark.usefixtures("small_disk")
async def test_a_batch_of_predictions_is_kept_once_there_is_room(stub: Stub, settings: Settings) -> None:
    """On a full disk none of it is kept and no file is left; repeated when there is room, all of it is."""
    project_id = (await make_project(stub)).project_id
    present = _blobs(settings.home)
    batch = stored_predictions_pb2.RecordPredictionsRequest(
        predictions=[
            stored_predictions_pb2.RecordPredictionRequest(
                prediction_id=new_id(), project_id=project_id, image_data=encoded(picture(seed, size=(900, 700)), "PNG")
            )
            for seed in range(3)
        ]
    )
    ballast = _fill(settings.home, room=MEBIBYTE)
    await _refused(stub.RecordPredictions(batch))
    assert _blobs(settings.home) == present
    ballast.unlink()
    assert [result.code for result in (await stub.RecordPredictions(batch)).results] == [0, 0, 0]
    listing = stored_predictions_pb2.ListPredictionsRequest(project_id=project_id)
    assert len((await stub.ListPredictions(listing)).predictions) == 3


@pytest.mark.usefixtures("small_disk")
async def test_a_disk_without_a_byte_left_refuses_every_write(stub: Stub, settings: Settings) -> None:
    """Also those of the database alone; what is there is read, and room is all it takes."""
    project = await make_project(stub)
    [image] = await add_photos(stub, project.project_id, [1])
    ballast = _fill(settings.home, room=0)
    for _ in range(3):
        await _refused(_many_projects(stub))
        await _refused(add_photos(stub, project.project_id, [2]))
    assert await image_list(stub, project.project_id) == [image]
    assert await content_of(stub, image)
    ballast.unlink()
    await _many_projects(stub)
    await add_photos(stub, project.project_id, [2])


async def _many_projects(stub: Stub) -> None:
    for _ in range(200):
        await make_project(stub, "x" * 128)


async def test_files_whose_rows_find_no_room_are_taken_back(settings: Settings) -> None:
    """Where the disk is full only for the database, the new files go again, and those that rows name stay."""
    folder = settings.folder("project")
    database, blobs = Database(folder / "project.sqlite", MIGRATIONS), BlobStore(folder / "blobs")
    intake = ImageIntake(database, blobs, ImageArrivals(database, Notifier()))
    project = await Projects(database).create(
        name="garden", description="", classification_type=ClassificationType.MULTICLASS, request_id=""
    )
    await intake.add(project.project_id, [], [ImageUpload(photo(1), (), "")])
    present = _blobs(settings.home)
    uploads = [ImageUpload(photo(seed), (), "x" * 255) for seed in range(60)]
    await database.write(lambda connection: connection.execute("PRAGMA max_page_count = 1").fetchall())
    with pytest.raises(StorageFull):
        await intake.add(project.project_id, [], uploads)
    assert _blobs(settings.home) == present
    await database.write(lambda connection: connection.execute("PRAGMA max_page_count = 100000").fetchall())
    assert all(result.image for result in await intake.add(project.project_id, [], uploads))
    intake.close()
    blobs.close()
    database.close()


@pytest.mark.usefixtures("small_disk")
async def test_a_full_disk_is_freed_of_files_that_nothing_names(settings: Settings) -> None:
    """Also where rows that wait for their deletion cannot be deleted for want of room; they go once there is some."""
    folder = settings.folder("project")
    database, blobs = Database(folder / "project.sqlite", MIGRATIONS), BlobStore(folder / "blobs")
    project = await Projects(database).create(
        name="garden", description="", classification_type=ClassificationType.MULTICLASS, request_id=""
    )
    await Projects(database).delete(project.project_id)
    data = bytes(MEBIBYTE)
    await blobs.write({hashlib.sha256(data).hexdigest(): data})
    database.close()
    database = Database(folder / "project.sqlite", MIGRATIONS)
    _fill(settings.home, room=0)
    collector = Collector(database, blobs, clock=lambda: time.time() + 3600)
    with pytest.raises(StorageFull):
        await database.write(lambda connection: projects.erase_deleted(connection, 10))
    assert await collector.collect() == 1
    await collector.collect()
    assert not await database.write(lambda connection: projects.erase_deleted(connection, 10))
    blobs.close()
    database.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
async def test_file_work_says_that_the_disk_is_full(tmp_path: Path) -> None:
    """Whatever file work of the store meets a full disk, its caller hears of that and not of an error number."""
    blobs = BlobStore(tmp_path / "blobs")
    with pytest.raises(StorageFull):
        await blobs.run(Path("/dev/full").write_bytes, b"x")
    blobs.close()


@pytest.mark.usefixtures("small_disk")
async def test_a_copy_waits_for_room(
    stub: Stub, settings: Settings, held_back: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the disk is full in the middle the copy stays what it is, and becomes whole once there is room."""
    monkeypatch.setattr(project_importing, "SECONDS_UNTIL_THERE_IS_ROOM", 0.05)
    project_id, _ = await make_trainable(stub)
    copy = await begin_copy(stub, await token_of(stub, project_id))
    ballast = _fill(settings.home, room=0)
    with structlog.testing.capture_logs() as told:
        held_back.set()
        async with asyncio.timeout(10):
            while not any("go on once there is room" in entry["event"] for entry in told):
                await asyncio.sleep(0.01)
    assert (await project_of(stub, copy.project_id)).status == IMPORTING
    ballast.unlink()
    assert (await ended(stub, copy.project_id, SUCCEEDED)).image_count == 10
