"""Databases of earlier versions open with their data."""

import json

import pytest

from customvision.common.database import Connection, Database
from customvision.common.errors import ConfigurationError
from customvision.common.settings import Settings
from customvision.project.domain.data_set import NothingChanged
from customvision.project.domain.domain import DEFAULT_DOMAIN
from customvision.project.domain.image import ImageTag
from customvision.project.domain.prediction_filter import PredictionFilter, PredictionOrder, PredictionTagFilter
from customvision.project.domain.project import ClassificationType, ProjectStatus
from customvision.project.domain.training_request import TrainingRequest, TrainingType
from customvision.project.store import prediction_lists
from customvision.project.store.blobs import BlobStore
from customvision.project.store.migrations import MIGRATIONS
from customvision.project.use_cases.images import Images
from customvision.project.use_cases.iterations import Iterations
from customvision.project.use_cases.projects import Projects

BY_APPLICATION = "SELECT name FROM migrations ORDER BY rowid"
REQUEST = "5f6dcfd5-c3d5-4c5c-9a7e-0d9d3f5a8b1c"
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
        assert (project.status, project.target_export_platforms) == (ProjectStatus.SUCCEEDED, ())
        assert (image.file_name, image.metadata) == ("a.jpg", {})
        # When it was tagged is not known: not before it was stored.
        assert image.tags == (ImageTag("t", "rose", image.create_time),)
        assert [row["name"] for row in names] == [migration.__name__ for migration in MIGRATIONS]


async def test_a_database_of_a_later_version_is_left_alone(settings: Settings) -> None:
    """An older program says which version is needed rather than write into it."""
    path = settings.folder("project") / "project.sqlite"

    def create_albums(connection: Connection) -> None:
        connection.execute("CREATE TABLE albums (name TEXT)")

    Database(path, [*MIGRATIONS, create_albums]).close()
    with pytest.raises(ConfigurationError, match=r"newer version.*create_albums"):
        Database(path, MIGRATIONS)


def _fill_with_training(connection: Connection) -> None:
    """Writes a project of the third version whose ten images were trained on, with digests that it computed."""
    connection.execute(
        "INSERT INTO projects (project_id, name, description, classification_type, create_time, update_time,"
        " iteration_counter, request_id, request_fingerprint) VALUES ('p', 'garden', '', 'multilabel', ?, ?, 1, ?, ?)",
        [TIME, TIME, REQUEST, "d8e265a4e9e57825b0ff5b591299a1cf76a6e0543e9c32bc55ad9a1e93d9c73e"],
    )
    for tag_id, kind in (("rose", "regular"), ("nothing", "negative"), ("empty", "regular")):
        connection.execute(
            "INSERT INTO tags (tag_id, project_id, name, description, type, create_time) VALUES (?, 'p', ?, '', ?, ?)",
            [tag_id, tag_id, kind, TIME],
        )
    for number in range(10):
        connection.execute(
            "INSERT INTO images (image_id, project_id, file_name, width, height, content_type, size_bytes,"
            " source_sha256, content_sha256, thumbnail_sha256, create_time)"
            " VALUES (?, 'p', '', 1, 1, 'image/jpeg', 1, ?, ?, ?, ?)",
            [str(number), *[f"{number:064x}"] * 3, TIME],
        )
        connection.execute("INSERT INTO image_tags (image, tag) VALUES (?, ?)", [number + 1, 1 + number // 5])
    connection.execute(
        "INSERT INTO iterations (iteration_id, project_id, name, number, status, training_type, classification_type,"
        " create_time, end_time, image_count, data_set_fingerprint, backbone, request_id, request_fingerprint)"
        " VALUES ('i', 'p', 'Iteration 1', 1, 'completed', 'quick', 'multilabel', ?, ?, 10, ?, ?, ?, ?)",
        [
            TIME,
            TIME,
            "9f65891e170a362ad962691cc36d376ed82f0482090be88384d690f69d631b11",
            '{"backbone_id": "b", "architecture": "a", "weights_source": "path", "weights_sha256": ""}',
            REQUEST,
            "85203296116168e70cc959c8b2156b8f7c7e9a1c64dab9c394602ec323cd4f48",
        ],
    )


async def test_trainings_of_the_third_version_still_count(settings: Settings) -> None:
    """An old iteration is a quick one of the default domain; its data set and its requests are known again."""
    path = settings.folder("project") / "project.sqlite"
    old = Database(path, MIGRATIONS[:3])
    await old.write(_fill_with_training)
    old.close()
    database = Database(path, MIGRATIONS)
    iterations = Iterations(database)
    iteration = await iterations.get("p", "i")
    assert (iteration.request, iteration.domain_id) == (TrainingRequest(), DEFAULT_DOMAIN.domain_id)
    assert not iteration.fine_tuned
    assert (iteration.update_time, iteration.publish_target) == (iteration.end_time, "")
    quick = TrainingRequest()
    with pytest.raises(NothingChanged):
        await iterations.create("p", quick, backbone_id="b", force=False, request_id="")
    assert await iterations.create("p", quick, backbone_id="b", force=False, request_id=REQUEST) == iteration
    repeated = await Projects(database).create(
        name="garden", description="", classification_type=ClassificationType.MULTILABEL, request_id=REQUEST
    )
    assert (repeated.project_id, repeated.domain_id) == ("p", DEFAULT_DOMAIN.domain_id)
    advanced = TrainingRequest(training_type=TrainingType.ADVANCED)
    assert (await iterations.create("p", advanced, backbone_id="b", force=False, request_id="")).number == 2
    database.close()


def _fill_with_predictions(connection: Connection) -> None:
    """Writes what the fourth version kept of three predictions: of an iteration, and of one that is gone."""
    domain = "0732100f-1a38-4e49-a514-c9b44c697ab5"
    connection.execute(
        "INSERT INTO projects (project_id, name, description, classification_type, create_time, update_time)"
        " VALUES ('p', 'garden', '', 'multilabel', ?, ?)",
        [TIME, TIME],
    )
    connection.execute(
        "INSERT INTO iterations (iteration_id, project_id, name, number, status, training_type, classification_type,"
        " create_time, image_count, data_set_fingerprint, domain_id)"
        " VALUES ('i', 'p', 'Iteration 1', 1, 'completed', 'quick', 'multiclass', ?, 0, '', ?)",
        [TIME, domain],
    )
    answer = [["rose", "Rose", 0.5], ["dahlia", "Dahlia", 0.5], ["rose", "Rose", 0.0], ["aster", "Aster", 0]]
    for prediction_id, iteration_id, predictions in (
        ("1", "i", answer),
        ("2", "gone", [["rose", "Rose", 0.5]]),
        ("3", "i", []),
    ):
        connection.execute(
            "INSERT INTO stored_predictions (prediction_id, project_id, iteration_id, publish_name, predictions, width,"
            " height, content_type, size_bytes, source_sha256, content_sha256, thumbnail_sha256, create_time)"
            " VALUES (?, 'p', ?, 'live', ?, 1, 1, 'image/jpeg', 1, ?, ?, ?, ?)",
            [prediction_id, iteration_id, json.dumps(predictions), "a" * 64, "b" * 64, "c" * 64, TIME],
        )


async def test_predictions_of_the_fourth_version_are_found_like_new_ones(settings: Settings) -> None:
    """They get the uncertainty and domain of their model, the project's where it is gone, and are found by tag."""
    path = settings.folder("project") / "project.sqlite"
    old = Database(path, MIGRATIONS[:4])
    await old.write(_fill_with_predictions)
    old.close()
    database = Database(path, MIGRATIONS)

    def listed(connection: Connection, *tags: PredictionTagFilter) -> list[tuple[str, float, str]]:
        selected = PredictionFilter("p", tags=tags, order=PredictionOrder.SUGGESTED)
        page, _ = prediction_lists.page(connection, selected, after=None, most=10)
        return [(entry.prediction_id, round(entry.uncertainty, 3), entry.domain_id) for entry in page]

    found = [
        ("2", 1.0, DEFAULT_DOMAIN.domain_id),
        ("1", 0.5, "0732100f-1a38-4e49-a514-c9b44c697ab5"),
        ("3", 0.0, "0732100f-1a38-4e49-a514-c9b44c697ab5"),
    ]
    assert await database.read(listed) == found
    rose, aster = PredictionTagFilter("rose", 0.5, 0.5), PredictionTagFilter("aster", 0, 0)
    assert await database.read(lambda connection: listed(connection, rose)) == found[:2]
    assert await database.read(lambda connection: listed(connection, rose, aster)) == found[1:2]
    database.close()
