"""Databases of earlier versions open with their data."""

import pytest

from customvision.common.database import Connection, Database
from customvision.common.errors import ConfigurationError
from customvision.common.settings import Settings
from customvision.project.store.blobs import BlobStore
from customvision.project.store.migrations import MIGRATIONS
from customvision.project.use_cases.images import Images
from customvision.project.use_cases.projects import Projects

BY_APPLICATION = "SELECT name FROM migrations ORDER BY rowid"
TIME = "2026-11-01T12:00:00+00:00"


def _fill(connection: Connection) -> None:
    connection.execute(
        "INSERT INTO projects (project_id, name, description, classification_type, create_time, update_time)"
        " VALUES ('p', 'garden', '', 'multilabel', ?, ?)",
        [TIME, TIME],
    )
    connection.execute(
        "INSERT INTO tags (tag_id, project_id, name, description, type, create_time)"
        " VALUES ('t', 'p', 'rose', '', 'regular', ?)",
        [TIME],
    )
    connection.execute(
        "INSERT INTO images (image_id, project_id, file_name, width, height, content_type, size_bytes, source_sha256,"
        " content_sha256, thumbnail_sha256, create_time) VALUES ('i', 'p', 'a.jpg', 1, 1, 'image/jpeg', 1, ?, ?, ?, ?)",
        ["a" * 64, "b" * 64, "c" * 64, TIME],
    )
    connection.execute("INSERT INTO image_tags (image, tag) VALUES (1, 1)")


async def test_a_database_of_the_first_version_opens_with_its_data(settings: Settings) -> None:
    """Every later migration runs once, and what was stored before is read as it was."""
    path = settings.folder("project") / "project.sqlite"
    old = Database(path, MIGRATIONS[:1])
    await old.write(_fill)
    old.close()
    for _ in range(2):
        database = Database(path, MIGRATIONS)
        blobs = BlobStore(settings.folder("project") / "blobs")
        project = await Projects(database).get("p")
        image = await Images(database, blobs).get("p", "i")
        names = await database.read(lambda connection: list(connection.query(BY_APPLICATION)))
        blobs.close()
        database.close()
        assert (project.name, project.image_count, project.tag_count) == ("garden", 1, 1)
        assert (image.file_name, image.tag_ids) == ("a.jpg", ("t",))
        assert [row["name"] for row in names] == [migration.__name__ for migration in MIGRATIONS]


async def test_a_database_of_a_later_version_is_left_alone(settings: Settings) -> None:
    """An older program says which version is needed rather than write into it."""
    path = settings.folder("project") / "project.sqlite"

    def create_albums(connection: Connection) -> None:
        connection.execute("CREATE TABLE albums (name TEXT)")

    Database(path, [*MIGRATIONS, create_albums]).close()
    with pytest.raises(ConfigurationError, match=r"newer version.*create_albums"):
        Database(path, MIGRATIONS)
