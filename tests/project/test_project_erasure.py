"""Deleting a project: gone for everybody at once, erased little by little, also after a crash; what deletions cost."""

import hashlib
from collections.abc import AsyncIterator

import pytest

from customvision.common.database import Connection, Database
from customvision.common.settings import Settings
from customvision.project.domain.project import ClassificationType, Project, ProjectNotFound
from customvision.project.store import images, projects
from customvision.project.store.blobs import BlobStore
from customvision.project.store.collector import Collector
from customvision.project.store.migrations import MIGRATIONS
from customvision.project.use_cases.pages import PageRequest
from customvision.project.use_cases.projects import Projects

TIME = "2026-11-01T12:00:00+00:00"
REQUEST = "5f6dcfd5-c3d5-4c5c-9a7e-0d9d3f5a8b1c"
IMAGE_COUNT = 25
TABLES = (
    "projects",
    "tags",
    "images",
    "image_tags",
    "image_metadata",
    "iterations",
    "iteration_images",
    "stored_predictions",
    "prediction_tags",
    "suggestions",
    "suggested_tags",
)


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """An empty database of the project service."""
    database = Database(settings.folder("project") / "project.sqlite", MIGRATIONS)
    yield database
    database.close()


async def _create(database: Database) -> Project:
    return await Projects(database).create(
        name="garden", description="", classification_type=ClassificationType.MULTICLASS, request_id=REQUEST
    )


def _fill(connection: Connection, project_id: str, image_count: int, *, current: int = 1) -> None:
    """Gives the project images with a tag, an iteration that holds them all, a prediction and a suggestion for each."""
    connection.execute(
        "INSERT INTO tags (tag_id, project_id, name, description, type, create_time)"
        " VALUES (?, ?, 'rose', '', 'regular', ?)",
        [f"tag of {project_id}", project_id, TIME],
    )
    connection.execute(
        "INSERT INTO iterations (iteration_id, project_id, name, number, status, training_type, classification_type,"
        " create_time, end_time, image_count, data_set_fingerprint) VALUES (?, ?, 'Iteration 1', 1, 'failed', 'quick',"
        " 'multiclass', ?, ?, ?, '')",
        [f"iteration of {project_id}", project_id, TIME, TIME, image_count],
    )
    for number in range(image_count):
        digest = hashlib.sha256(str(number).encode()).hexdigest()
        content = [1, 1, "image/jpeg", 1, digest, digest, digest, TIME]
        cursor = connection.execute(
            "INSERT INTO images (image_id, project_id, current, file_name, width, height, content_type, size_bytes,"
            " source_sha256, content_sha256, thumbnail_sha256, create_time)"
            " VALUES (?, ?, ?, '', ?, ?, ?, ?, ?, ?, ?, ?)",
            [f"{number} of {project_id}", project_id, current, *content],
        )
        connection.execute("INSERT INTO image_tags (image, tag) SELECT ?, max(sequence) FROM tags", [cursor.lastrowid])
        connection.execute(
            "INSERT INTO image_metadata (image, project, key, value) SELECT ?, max(sequence), 'a', '1' FROM projects",
            [cursor.lastrowid],
        )
        connection.execute(
            "INSERT INTO iteration_images (iteration, image, tag) SELECT max(sequence), ?, 1 FROM iterations",
            [cursor.lastrowid],
        )
        # An image of the data set has tags and no suggestion; here it costs what an untagged one does.
        connection.execute(
            "INSERT INTO suggestions (iteration, image, predictions, uncertainty, likeliest, create_time)"
            " SELECT max(sequence), ?, '[]', 0, 1, ? FROM iterations",
            [cursor.lastrowid, TIME],
        )
        connection.execute(
            "INSERT INTO suggested_tags (iteration, image, tag_id, uncertainty, probability)"
            " SELECT max(sequence), ?, 'rose', 0, 1 FROM iterations",
            [cursor.lastrowid],
        )
        predicted = connection.execute(
            "INSERT INTO stored_predictions (prediction_id, project_id, iteration_id, publish_name, predictions, width,"
            " height, content_type, size_bytes, source_sha256, content_sha256, thumbnail_sha256, create_time)"
            " VALUES (?, ?, '', '', '[]', ?, ?, ?, ?, ?, ?, ?, ?)",
            [f"{number} of {project_id}", project_id, *content],
        )
        connection.execute(
            "INSERT INTO prediction_tags (prediction, tag_id, probability) VALUES (?, 'rose', 1)", [predicted.lastrowid]
        )


def _counts(connection: Connection) -> dict[str, int]:
    return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}  # noqa: S608


async def test_a_deleted_project_is_gone_at_once_and_erased_in_slices(database: Database) -> None:
    """No call finds it, its request makes a new one, and no transaction erases more than its share of rows."""
    project = await _create(database)
    await database.write(lambda connection: _fill(connection, project.project_id, IMAGE_COUNT))
    await Projects(database).delete(project.project_id)
    with pytest.raises(ProjectNotFound):
        await Projects(database).get(project.project_id)
    assert not (await Projects(database).page(PageRequest(0, ""), name="")).items
    other = await _create(database)
    assert other.project_id != project.project_id
    await database.write(lambda connection: _fill(connection, other.project_id, 1))
    before = await database.read(_counts)
    assert before["images"] == IMAGE_COUNT + 1
    while await database.write(lambda connection: projects.erase_deleted(connection, 10)):
        after = await database.read(_counts)
        assert all(before[table] - after[table] <= 10 for table in TABLES)
        before = after
    assert set(before.values()) == {1}
    assert (await Projects(database).get(other.project_id)).image_count == 1


async def test_what_a_crash_left_of_a_deleted_project_is_erased_later(settings: Settings) -> None:
    """A service that was killed in the middle goes on where it was once it runs again."""
    path = settings.folder("project") / "project.sqlite"
    killed = Database(path, MIGRATIONS)
    project = await _create(killed)
    await killed.write(lambda connection: _fill(connection, project.project_id, IMAGE_COUNT))
    await Projects(killed).delete(project.project_id)
    await killed.write(lambda connection: projects.erase_deleted(connection, 10))
    killed.close()
    database, blobs = Database(path, MIGRATIONS), BlobStore(settings.folder("project") / "blobs")
    with pytest.raises(ProjectNotFound):
        await Projects(database).get(project.project_id)
    await Collector(database, blobs).collect()
    assert set((await database.read(_counts)).values()) == {0}
    blobs.close()
    database.close()


async def test_deleting_images_does_not_walk_all_past_ones(database: Database) -> None:
    """What an image costs to delete is the same however many only iterations hold."""
    project_id = (await _create(database)).project_id
    await database.write(lambda connection: _fill(connection, project_id, 2000, current=0))
    steps: list[None] = []

    def delete(connection: Connection) -> int:
        connection.conn.set_progress_handler(lambda: steps.append(None), 100)
        deleted = images.delete(connection, project_id, ["7 of nobody"], all_iterations=False)
        connection.conn.set_progress_handler(None, 0)
        return deleted

    assert await database.write(delete) == 0
    assert len(steps) < 50
