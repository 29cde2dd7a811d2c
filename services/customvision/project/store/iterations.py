"""Iterations in SQL: records and frozen data sets."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import timedelta

from customvision.common.database import Connection
from customvision.project.domain.data_set import DataSetImage
from customvision.project.domain.iteration import (
    Backbone,
    Iteration,
    IterationArtifacts,
    IterationMetrics,
    IterationStatus,
    WeightsSource,
)
from customvision.project.domain.project import ClassificationType
from customvision.project.domain.tag import Tag
from customvision.project.domain.training_request import TrainingRequest, TrainingType
from customvision.project.store.columns import Row, now, to_list, to_time
from customvision.project.store.image_lists import frozen_tags as tags_of_frozen_images
from customvision.project.store.tags import to_tag


def find(connection: Connection, project_id: str, iteration_id: str) -> Iteration | None:
    """Returns the project's iteration, or None."""
    return _first(connection, "iteration_id = ? AND project_id = ?", iteration_id, project_id)


def find_request(connection: Connection, request_id: str) -> tuple[str, str, str] | None:
    """Returns project id, iteration id and request fingerprint of what the request made, or None."""
    found: tuple[str, str, str] | None = connection.execute(
        "SELECT project_id, iteration_id, request_fingerprint FROM iterations WHERE request_id = ?", [request_id]
    ).fetchone()
    return found


def find_named(connection: Connection, project_id: str, name: str) -> Iteration | None:
    """Returns the project's iteration of exactly that name, or None."""
    return _first(connection, "project_id = ? AND name = ?", project_id, name)


def find_newest_completed(connection: Connection, project_id: str) -> Iteration | None:
    """Returns the project's completed iteration of the highest number, or None."""
    return _first(connection, "project_id = ? AND status = 'completed' ORDER BY number DESC", project_id)


def find_in_use(connection: Connection, project_id: str) -> Iteration | None:
    """Returns an iteration of the project that is published or in training, or None."""
    return _first(connection, "project_id = ? AND (publish_name IS NOT NULL OR status = 'training')", project_id)


def find_successor_in_training(connection: Connection, base: Iteration) -> Iteration | None:
    """Returns an iteration in training that begins with the model of ``base``, or None."""
    return _first(connection, "base_iteration_id = ? AND status = 'training'", base.iteration_id)


def find_foreign_successor_in_training(connection: Connection, project_id: str) -> Iteration | None:
    """Returns an iteration of another project in training that begins with a model of this one, or None."""
    return _first(connection, "base_project_id = ? AND base_iteration_id > '' AND status = 'training'", project_id)


def page(connection: Connection, project_id: str, *, after: int | None, limit: int) -> list[Iteration]:
    """Returns iterations, newest first, before the sequence ``after``."""
    rows = connection.query(
        "SELECT * FROM iterations WHERE project_id = ? AND sequence < ? ORDER BY number DESC LIMIT ?",
        [project_id, 2**63 - 1 if after is None else after, limit],
    )
    return [to_iteration(row) for row in rows]


def data_set_pairs(connection: Connection, tags: Sequence[Tag]) -> Iterator[tuple[str, str]]:
    """Yields content digest and tag id of all images that carry one of the tags now, ordered by both."""
    return connection.execute(
        "SELECT i.content_sha256, t.tag_id FROM tags t JOIN image_tags it ON it.tag = t.sequence"
        " JOIN images i ON i.sequence = it.image WHERE t.sequence IN (SELECT value FROM json_each(?)) ORDER BY 1, 2",
        [to_list(tag.sequence for tag in tags)],
    )


def insert_frozen(
    connection: Connection,
    iteration: Iteration,
    tags: Sequence[Tag],
    *,
    request_id: str | None,
    request_fingerprint: str,
) -> None:
    """Adds an iteration with a copy of the tags and their images. Its sequence and image_count are ignored."""
    request = iteration.request
    cursor = connection.execute(
        "INSERT INTO iterations (iteration_id, project_id, name, number, status, training_type,"
        " training_budget_seconds, selected_tag_ids, base_iteration_id, base_project_id, domain_id,"
        " classification_type, create_time, update_time, image_count, data_set_fingerprint, requested_backbone_id,"
        " request_id, request_fingerprint) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?)",
        [
            iteration.iteration_id,
            iteration.project_id,
            iteration.name,
            iteration.number,
            iteration.status.value,
            request.training_type.value,
            request.training_budget.total_seconds() if request.training_budget is not None else None,
            to_list(request.selected_tag_ids),
            request.base_iteration_id,
            request.base_project_id,
            iteration.domain_id,
            iteration.classification_type.value,
            iteration.create_time.isoformat(),
            iteration.update_time.isoformat(),
            iteration.data_set_fingerprint,
            iteration.requested_backbone_id,
            request_id,
            request_fingerprint,
        ],
    )
    copied = {"iteration": cursor.lastrowid, "tags": to_list(tag.sequence for tag in tags)}
    connection.execute(
        "INSERT INTO iteration_tags (iteration, tag, tag_id, name, description, type, image_count, create_time)"
        " SELECT :iteration, t.sequence, t.tag_id, t.name, t.description, t.type, count(*), t.create_time"
        " FROM tags t JOIN image_tags it ON it.tag = t.sequence"
        " WHERE t.sequence IN (SELECT value FROM json_each(:tags)) GROUP BY t.sequence",
        copied,
    )
    connection.execute(
        "INSERT INTO iteration_images (iteration, image, tag, create_time)"
        " SELECT :iteration, image, tag, create_time FROM image_tags"
        " WHERE tag IN (SELECT value FROM json_each(:tags)) ORDER BY image, tag",
        copied,
    )
    connection.execute(
        "UPDATE iterations SET image_count ="
        " (SELECT count(DISTINCT image) FROM iteration_images WHERE iteration = :iteration)"
        " WHERE sequence = :iteration",
        {"iteration": cursor.lastrowid},
    )


def update(connection: Connection, iteration: Iteration) -> Iteration:
    """Writes everything about an iteration that can change, with the time of the change; returns it as written."""
    iteration = replace(iteration, update_time=now())
    artifacts = iteration.artifacts
    connection.execute(
        "UPDATE iterations SET name = ?, status = ?, update_time = ?, end_time = ?, publish_name = ?,"
        " publish_target = ?, backbone = ?, metrics = ?, warnings = ?, failure_reason = ?, model_sha256 = ?,"
        " backbone_sha256 = ?, backbone_weights_sha256 = ?, evaluation_sha256 = ?, fine_tuned = ? WHERE sequence = ?",
        [
            iteration.name,
            iteration.status.value,
            iteration.update_time.isoformat(),
            iteration.end_time.isoformat() if iteration.end_time else None,
            iteration.publish_name or None,
            iteration.publish_target,
            _backbone_text(iteration.backbone),
            json.dumps(asdict(iteration.metrics)) if iteration.metrics else None,
            to_list(iteration.warnings),
            iteration.failure_reason,
            artifacts.model_sha256 if artifacts else None,
            artifacts.backbone_sha256 if artifacts else None,
            artifacts.backbone_weights_sha256 if artifacts else None,
            artifacts.evaluation_sha256 if artifacts else None,
            int(iteration.fine_tuned),
            iteration.sequence,
        ],
    )
    return iteration


def delete(connection: Connection, iteration: Iteration) -> None:
    """Removes an iteration with its frozen data set."""
    connection.execute("DELETE FROM iterations WHERE sequence = ?", [iteration.sequence])


def frozen_tags(connection: Connection, iteration: Iteration) -> list[Tag]:
    """Returns the tags as they were when the data set was frozen, in order of creation."""
    return frozen_tags_page(connection, iteration, after=None, limit=-1)


def frozen_tags_page(connection: Connection, iteration: Iteration, *, after: int | None, limit: int) -> list[Tag]:
    """Returns tags as they were when the data set was frozen, after the sequence ``after``; -1 is no limit."""
    rows = connection.query(
        "SELECT *, tag AS sequence FROM iteration_tags WHERE iteration = ? AND tag > ? ORDER BY tag LIMIT ?",
        [iteration.sequence, after or 0, limit],
    )
    return [to_tag(row | {"project_id": iteration.project_id}) for row in rows]


def find_frozen_tag(connection: Connection, iteration: Iteration, tag_id: str) -> Tag | None:
    """Returns a tag as it was when the data set was frozen, or None."""
    rows = connection.query(
        "SELECT *, tag AS sequence FROM iteration_tags WHERE iteration = ? AND tag_id = ?", [iteration.sequence, tag_id]
    )
    return next((to_tag(row | {"project_id": iteration.project_id}) for row in rows), None)


def frozen_images(connection: Connection, iteration: Iteration, *, after: int, limit: int) -> list[DataSetImage]:
    """Returns images of the frozen data set after the sequence ``after``, in order of creation."""
    rows = connection.execute(
        "SELECT sequence, image_id, content_sha256 FROM images WHERE sequence IN (SELECT DISTINCT image"
        " FROM iteration_images WHERE iteration = ? AND image > ? ORDER BY image LIMIT ?) ORDER BY sequence",
        [iteration.sequence, after, limit],
    ).fetchall()
    tags = tags_of_frozen_images(connection, iteration.sequence, [row[0] for row in rows])
    return [DataSetImage(row[0], row[1], row[2], tuple(tag.tag_id for tag in tags[row[0]])) for row in rows]


def frozen_pairs(connection: Connection, iteration: Iteration) -> Iterator[tuple[str, str]]:
    """Yields content digest and tag id of all images of the frozen data set, in no particular order."""
    return connection.execute(
        "SELECT i.content_sha256, it.tag_id FROM iteration_images ii JOIN images i ON i.sequence = ii.image"
        " JOIN iteration_tags it ON it.iteration = ii.iteration AND it.tag = ii.tag WHERE ii.iteration = ?",
        [iteration.sequence],
    )


def completed(connection: Connection, project_id: str) -> list[Iteration]:
    """Returns the project's completed iterations, oldest first."""
    rows = connection.query(
        "SELECT * FROM iterations WHERE project_id = ? AND status = 'completed' ORDER BY number", [project_id]
    )
    return [to_iteration(row) for row in rows]


def to_iteration(row: Row) -> Iteration:
    """Reads a row of iterations."""
    metrics = json.loads(row["metrics"]) if row["metrics"] else None
    return Iteration(
        sequence=row["sequence"],
        iteration_id=row["iteration_id"],
        project_id=row["project_id"],
        name=row["name"],
        number=row["number"],
        status=IterationStatus(row["status"]),
        request=_request(row),
        domain_id=row["domain_id"],
        classification_type=ClassificationType(row["classification_type"]),
        create_time=to_time(row["create_time"]),
        update_time=to_time(row["update_time"]),
        end_time=to_time(row["end_time"]) if row["end_time"] else None,
        image_count=row["image_count"],
        publish_name=row["publish_name"] or "",
        data_set_fingerprint=row["data_set_fingerprint"],
        backbone=_backbone(row["backbone"]),
        metrics=IterationMetrics(**metrics) if metrics else None,
        artifacts=_artifacts(row),
        failure_reason=row["failure_reason"],
        warnings=tuple(json.loads(row["warnings"])),
        requested_backbone_id=row["requested_backbone_id"],
        fine_tuned=bool(row["fine_tuned"]),
        publish_target=row["publish_target"],
    )


def _first(connection: Connection, condition: str, *parameters: object) -> Iteration | None:
    rows = connection.query(f"SELECT * FROM iterations WHERE {condition} LIMIT 1", parameters)  # noqa: S608
    return next((to_iteration(row) for row in rows), None)


def _request(row: Row) -> TrainingRequest:
    seconds = row["training_budget_seconds"]
    return TrainingRequest(
        training_type=TrainingType(row["training_type"]),
        training_budget=None if seconds is None else timedelta(seconds=seconds),
        selected_tag_ids=tuple(json.loads(row["selected_tag_ids"])),
        base_iteration_id=row["base_iteration_id"],
        base_project_id=row["base_project_id"],
    )


def _backbone_text(backbone: Backbone | None) -> str | None:
    if backbone is None:
        return None
    return json.dumps(asdict(backbone) | {"weights_source": backbone.weights_source.value})


def _backbone(text: str | None) -> Backbone | None:
    if text is None:
        return None
    values = json.loads(text)
    return Backbone(**(values | {"weights_source": WeightsSource(values["weights_source"])}))


def _artifacts(row: Row) -> IterationArtifacts | None:
    if row["model_sha256"] is None:
        return None
    return IterationArtifacts(
        model_sha256=row["model_sha256"],
        backbone_sha256=row["backbone_sha256"],
        backbone_weights_sha256=row["backbone_weights_sha256"],
        evaluation_sha256=row["evaluation_sha256"],
    )
