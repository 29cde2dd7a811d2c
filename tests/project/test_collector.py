"""The collector: what nothing names goes, what anything names or is about to name stays."""

import hashlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from customvision.common.database import Connection, Database
from customvision.common.notifier import Notifier
from customvision.common.settings import Settings
from customvision.project.domain.artifact import Artifact
from customvision.project.domain.image_upload import ImageUpload
from customvision.project.domain.project import ClassificationType
from customvision.project.domain.stored_prediction import NewPrediction
from customvision.project.domain.tag_probability import TagProbability
from customvision.project.domain.text import new_id
from customvision.project.store import artifacts
from customvision.project.store.blobs import BlobMissing, BlobStore
from customvision.project.store.collector import Collector
from customvision.project.store.migrations import MIGRATIONS
from customvision.project.use_cases.image_arrivals import ImageArrivals
from customvision.project.use_cases.image_intake import ImageIntake
from customvision.project.use_cases.images import Images
from customvision.project.use_cases.prediction_intake import PredictionIntake
from customvision.project.use_cases.projects import Projects
from pictures import photo


@dataclass
class Store:
    """A store whose clock a test moves."""

    database: Database
    blobs: BlobStore
    intake: ImageIntake
    ahead_seconds: float = 0.0

    async def collect(self, retention_seconds: float | None = None) -> int:
        """Collects at the test's time."""
        clock = lambda: time.time() + self.ahead_seconds  # noqa: E731 - one expression
        collector = Collector(
            self.database, self.blobs, retention_seconds=retention_seconds, grace_seconds=600, clock=clock
        )
        return await collector.collect()


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    """An empty store."""
    folder = settings.folder("project")
    database, blobs = Database(folder / "project.sqlite", MIGRATIONS), BlobStore(folder / "blobs")
    intake = ImageIntake(database, blobs, ImageArrivals(database, Notifier()))
    yield Store(database, blobs, intake)
    intake.close()
    blobs.close()
    database.close()


async def _project_with_image(store: Store) -> tuple[str, str, str]:
    project = await Projects(store.database).create(
        name="garden", description="", classification_type=ClassificationType.MULTICLASS, request_id=""
    )
    [result] = await store.intake.add(project.project_id, [], [ImageUpload(photo(1), (), "")])
    assert result.image is not None
    return project.project_id, result.image.image_id, result.image.content.content_sha256


async def test_files_of_deleted_images_go_after_the_grace(store: Store) -> None:
    """Image and thumbnail stay while named, and for ten minutes after; then they go."""
    project_id, image_id, digest = await _project_with_image(store)
    store.ahead_seconds = 3600
    assert await store.collect() == 0
    await Images(store.database, store.blobs).delete(project_id, [image_id], all_iterations=False)
    store.ahead_seconds = 0
    assert await store.collect() == 0
    assert await store.blobs.read(digest)
    store.ahead_seconds = 3600
    assert await store.collect() == 2
    with pytest.raises(BlobMissing):
        await store.blobs.read(digest)


async def test_a_blob_that_an_upload_counts_on_is_left(store: Store) -> None:
    """While an upload of the same content is under way its blob stays, however old."""
    data = b"old content"
    digest = hashlib.sha256(data).hexdigest()
    store.ahead_seconds = 3600
    async with store.blobs.hold([digest]):
        await store.blobs.write({digest: data})
        assert await store.collect() == 0
    assert await store.collect() == 1


async def test_a_file_that_goes_while_the_collector_decides_does_not_stop_it(store: Store, settings: Settings) -> None:
    """One that a reader found damaged and removed is passed over, and the others go."""
    digests = [f"00{number:062x}" for number in range(3)]
    await store.blobs.write(dict.fromkeys(digests, b"unnamed"))

    async def named(found: list[str]) -> set[str]:
        assert sorted(found) == digests
        (settings.home / "project" / "blobs" / "00" / digests[1][2:]).unlink()
        return set()

    assert await store.blobs.collect(time.time() + 3600, named) == 2


async def test_an_upload_makes_an_old_blob_young(store: Store, settings: Settings) -> None:
    """A blob that is written again starts its grace anew."""
    import os

    data = b"old content"
    digest = hashlib.sha256(data).hexdigest()
    await store.blobs.write({digest: data})
    path = settings.home / "project" / "blobs" / digest[:2] / digest[2:]
    os.utime(path, (1, 1))
    await store.blobs.write({digest: data})
    assert await store.collect() == 0
    os.utime(path, (1, 1))
    assert await store.collect() == 1


async def test_artifacts_that_no_iteration_names_go_after_the_grace(store: Store) -> None:
    """First the record, then the file; one that somebody asked for meanwhile stays."""
    data = b"model"
    digest = hashlib.sha256(data).hexdigest()
    await store.blobs.write({digest: data})
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    await store.database.write(lambda connection: artifacts.record(connection, Artifact(digest, 5), long_ago))
    await store.database.write(lambda connection: artifacts.touch(connection, [digest], datetime.now(UTC)))
    assert await store.collect() == 0
    store.ahead_seconds = 3600
    assert await store.collect() == 1
    assert await store.database.read(lambda connection: artifacts.find(connection, digest)) is None


async def test_what_a_crash_left_half_written_is_removed(settings: Settings) -> None:
    """Opening the store clears the folder where blobs are written first."""
    incoming = settings.folder("project") / "blobs" / "incoming"
    incoming.mkdir(parents=True)
    (incoming / ".tmp-half").write_bytes(b"half")
    BlobStore(settings.folder("project") / "blobs").close()
    assert not list(incoming.iterdir())


async def _predict(store: Store, project_id: str, seed: int) -> None:
    await PredictionIntake(store.database, store.blobs, store.intake).add(
        NewPrediction(
            prediction_id=new_id(),
            project_id=project_id,
            iteration_id="",
            publish_name="",
            image_data=photo(seed),
            predictions=(TagProbability("rose", "rose", 1.0),),
        )
    )


def _suggest(connection: Connection, project_id: str) -> None:
    time_now = datetime.now(UTC).isoformat()
    connection.execute(
        "INSERT INTO iterations (iteration_id, project_id, name, number, status, training_type, classification_type,"
        " create_time, image_count, data_set_fingerprint) VALUES ('i', ?, 'i', 1, 'completed', 'quick', 'multiclass',"
        " ?, 0, '')",
        [project_id, time_now],
    )
    connection.execute(
        "INSERT INTO suggestions (iteration, image, predictions, uncertainty, likeliest, create_time)"
        " SELECT i.sequence, j.sequence, '[]', 0, 1, ? FROM iterations i, images j",
        [time_now],
    )
    connection.execute(
        "INSERT INTO suggested_tags (iteration, image, tag_id, uncertainty, probability)"
        " SELECT iteration, image, 'rose', 0, 1 FROM suggestions"
    )


def _kept(connection: Connection) -> list[int]:
    tables = ("stored_predictions", "prediction_tags", "suggestions", "suggested_tags", "images")
    return [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]  # noqa: S608


async def test_old_predictions_and_suggestions_go_with_their_files(store: Store) -> None:
    """Once they are older than the retention; images of the data set stay, and without a retention all do."""
    project_id, _, digest = await _project_with_image(store)
    await store.database.write(lambda connection: _suggest(connection, project_id))
    for seed in (7, 8):
        await _predict(store, project_id, seed)
    store.ahead_seconds = 3600
    assert (await store.collect(None), await store.collect(3700), await store.collect(10.0**12)) == (0, 0, 0)
    assert await store.database.read(_kept) == [2, 2, 1, 1, 1]
    assert await store.collect(3500) == 4
    assert await store.database.read(_kept) == [0, 0, 0, 0, 1]
    assert await store.blobs.read(digest)


async def test_more_old_predictions_than_one_transaction_takes_go_in_one_round(store: Store) -> None:
    """Expiry goes on in slices until nothing old is left."""
    project_id, *_ = await _project_with_image(store)
    await _predict(store, project_id, 7)
    await store.database.write(
        lambda connection: connection.execute(
            "WITH RECURSIVE number(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM number WHERE value < 250)"
            " INSERT INTO stored_predictions (prediction_id, project_id, iteration_id, publish_name, predictions,"
            " width, height, content_type, size_bytes, source_sha256, content_sha256, thumbnail_sha256, create_time)"
            " SELECT value, project_id, '', '', '[]', width, height, content_type, size_bytes, source_sha256,"
            " content_sha256, thumbnail_sha256, stored_predictions.create_time FROM stored_predictions, number"
        )
    )
    assert (await store.database.read(_kept))[0] == 251
    store.ahead_seconds = 3600
    await store.collect(3500)
    assert (await store.database.read(_kept))[0] == 0
