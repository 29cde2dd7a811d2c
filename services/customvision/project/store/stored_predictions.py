"""Stored predictions in SQL."""

import json
from collections.abc import Iterable
from dataclasses import astuple

from customvision.common.database import Connection
from customvision.project.domain.stored_prediction import StoredPrediction, TagProbability
from customvision.project.store.columns import Row, to_content, to_list, to_time


def find(connection: Connection, prediction_id: str) -> StoredPrediction | None:
    """Returns the stored prediction of any project, or None."""
    rows = connection.query("SELECT * FROM stored_predictions WHERE prediction_id = ?", [prediction_id])
    return next((_prediction(row) for row in rows), None)


def insert(connection: Connection, prediction: StoredPrediction) -> None:
    """Adds a stored prediction; its sequence is ignored."""
    content = prediction.content
    connection.execute(
        "INSERT INTO stored_predictions (prediction_id, project_id, iteration_id, publish_name, predictions, width,"
        " height, content_type, size_bytes, source_sha256, content_sha256, thumbnail_sha256, create_time)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            prediction.prediction_id,
            prediction.project_id,
            prediction.iteration_id,
            prediction.publish_name,
            to_list(astuple(entry) for entry in prediction.predictions),
            content.width,
            content.height,
            content.content_type,
            content.size_bytes,
            content.source_sha256,
            content.content_sha256,
            content.thumbnail_sha256,
            prediction.create_time.isoformat(),
        ],
    )


def page(
    connection: Connection, project_id: str, iteration_id: str, *, after: int | None, limit: int
) -> list[StoredPrediction]:
    """Returns predictions, newest first, before the sequence ``after``; ``iteration_id`` "" means any."""
    of_iteration = "AND iteration_id = :iteration_id" if iteration_id else ""
    rows = connection.query(
        f"SELECT * FROM stored_predictions WHERE project_id = :project_id {of_iteration}"  # noqa: S608
        " AND sequence < :after ORDER BY sequence DESC LIMIT :limit",
        {
            "project_id": project_id,
            "iteration_id": iteration_id,
            "after": 2**63 - 1 if after is None else after,
            "limit": limit,
        },
    )
    return [_prediction(row) for row in rows]


def delete(connection: Connection, project_id: str, prediction_ids: Iterable[str]) -> int:
    """Removes those of the predictions that the project has; returns how many."""
    cursor = connection.execute(
        "DELETE FROM stored_predictions WHERE +project_id = ? AND prediction_id IN (SELECT value FROM json_each(?))",
        [project_id, to_list(prediction_ids)],
    )
    removed: int = cursor.rowcount
    return removed


def record_correction(connection: Connection, prediction_id: str, image: int) -> None:
    """Notes which image (by sequence) was made of a prediction, so that a repeated call finds it."""
    connection.execute(
        "INSERT OR REPLACE INTO corrected_predictions (prediction_id, image) VALUES (?, ?)", [prediction_id, image]
    )


def find_correction(connection: Connection, project_id: str, prediction_id: str) -> int | None:
    """Returns the sequence of the current image that was made of a prediction, or None."""
    row = connection.execute(
        "SELECT i.sequence FROM corrected_predictions c JOIN images i ON i.sequence = c.image"
        " WHERE c.prediction_id = ? AND i.project_id = ? AND i.current = 1",
        [prediction_id, project_id],
    ).fetchone()
    return None if row is None else row[0]


def _prediction(row: Row) -> StoredPrediction:
    return StoredPrediction(
        sequence=row["sequence"],
        prediction_id=row["prediction_id"],
        project_id=row["project_id"],
        iteration_id=row["iteration_id"],
        publish_name=row["publish_name"],
        predictions=tuple(TagProbability(*entry) for entry in json.loads(row["predictions"])),
        content=to_content(row),
        create_time=to_time(row["create_time"]),
    )
