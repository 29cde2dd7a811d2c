"""Stored predictions in SQL."""

from collections.abc import Iterable
from datetime import datetime

from customvision.common.database import Connection
from customvision.project.domain.stored_prediction import StoredPrediction
from customvision.project.store.answers import from_answer, take_page, to_answer
from customvision.project.store.columns import Row, to_content, to_list, to_time


def find(connection: Connection, prediction_id: str) -> StoredPrediction | None:
    """Returns the stored prediction of any project, or None."""
    rows = connection.query("SELECT * FROM stored_predictions WHERE prediction_id = ?", [prediction_id])
    return next((_prediction(row) for row in rows), None)


def insert(connection: Connection, prediction: StoredPrediction) -> None:
    """Adds a stored prediction; its sequence is ignored."""
    content = prediction.content
    cursor = connection.execute(
        "INSERT INTO stored_predictions (prediction_id, project_id, iteration_id, publish_name, predictions, width,"
        " height, content_type, size_bytes, source_sha256, content_sha256, thumbnail_sha256, create_time, application,"
        " uncertainty, domain_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            prediction.prediction_id,
            prediction.project_id,
            prediction.iteration_id,
            prediction.publish_name,
            from_answer(prediction.predictions),
            content.width,
            content.height,
            content.content_type,
            content.size_bytes,
            content.source_sha256,
            content.content_sha256,
            content.thumbnail_sha256,
            prediction.create_time.isoformat(),
            prediction.application,
            prediction.uncertainty,
            prediction.domain_id,
        ],
    )
    connection.conn.executemany(
        # Of a tag that stands there twice, the likelier one counts: it comes first.
        "INSERT OR IGNORE INTO prediction_tags (prediction, tag_id, probability) VALUES (?, ?, ?)",
        [(cursor.lastrowid, entry.tag_id, entry.probability) for entry in prediction.predictions],
    )


def page_of(connection: Connection, sequences: Iterable[int], most: int) -> tuple[list[StoredPrediction], bool]:
    """Returns the first of the predictions of these sequences, at most ``most``, and whether more follow."""
    # One by one, so that what does not fit is not even read.
    rows = (
        row
        for sequence in sequences
        for row in connection.query("SELECT * FROM stored_predictions WHERE sequence = ?", [sequence])
    )
    page, more = take_page(rows, most)
    return [_prediction(row) for row in page], more


def delete(connection: Connection, project_id: str, prediction_ids: Iterable[str]) -> int:
    """Removes those of the predictions that the project has; returns how many."""
    cursor = connection.execute(
        "DELETE FROM stored_predictions WHERE +project_id = ? AND prediction_id IN (SELECT value FROM json_each(?))",
        [project_id, to_list(prediction_ids)],
    )
    removed: int = cursor.rowcount
    return removed


def delete_older(connection: Connection, before: datetime, limit: int) -> int:
    """Removes at most ``limit`` predictions, of any project, that were recorded before the time; returns how many."""
    cursor = connection.execute(
        "DELETE FROM stored_predictions WHERE sequence IN"
        " (SELECT sequence FROM stored_predictions WHERE create_time < ? LIMIT ?)",
        [before.isoformat(), limit],
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
        predictions=to_answer(row["predictions"]),
        content=to_content(row),
        create_time=to_time(row["create_time"]),
        application=row["application"],
        uncertainty=row["uncertainty"],
        domain_id=row["domain_id"],
    )
