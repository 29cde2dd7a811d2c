"""Suggestions in SQL. A trigger removes those of an image that gets a tag or leaves the data set."""

from collections.abc import Sequence
from datetime import datetime

from customvision.common.database import Connection
from customvision.common.pagination import RankedPosition
from customvision.project.domain.iteration import Iteration
from customvision.project.domain.suggestion import Suggestion, SuggestionFilter, SuggestionOrder
from customvision.project.store.answers import from_answer, take_page, to_answer
from customvision.project.store.columns import Row, to_list, to_time

_SELECT = (
    "SELECT s.*, i.image_id FROM suggestions s JOIN images i ON i.sequence = s.image"
    " WHERE s.iteration = ? AND s.image = ?"
)
# All that any tag reaches the threshold in, and all that one does: both in order of uncertainty, then of the image.
_OF_ANY_TAG = (
    "suggestions INDEXED BY suggestions_by_uncertainty WHERE iteration = :iteration AND likeliest >= :threshold"
)
_OF_TAG = "suggested_tags WHERE iteration = :iteration AND tag_id = :tag_id AND probability >= :threshold"
# By order: what lies beyond a position, and the direction.
_WALKS = {
    SuggestionOrder.LEAST_CERTAIN_FIRST: ("<", "DESC"),
    SuggestionOrder.MOST_CERTAIN_FIRST: (">", "ASC"),
}


def replace(connection: Connection, iteration: Iteration, suggestion: Suggestion) -> None:
    """Adds a suggestion of the iteration in place of the one of the same image, where there is one."""
    key = (iteration.sequence, suggestion.sequence)
    connection.execute("DELETE FROM suggestions WHERE iteration = ? AND image = ?", key)
    connection.execute(
        "INSERT INTO suggestions (iteration, image, predictions, uncertainty, likeliest, create_time)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [
            *key,
            from_answer(suggestion.predictions),
            suggestion.uncertainty,
            max((entry.probability for entry in suggestion.predictions), default=0.0),
            suggestion.create_time.isoformat(),
        ],
    )
    connection.conn.executemany(
        # Of a tag that stands there twice, the likelier one counts: it comes first.
        "INSERT OR IGNORE INTO suggested_tags (iteration, image, uncertainty, tag_id, probability)"
        " VALUES (?, ?, ?, ?, ?)",
        [(*key, suggestion.uncertainty, entry.tag_id, entry.probability) for entry in suggestion.predictions],
    )


def page(
    connection: Connection,
    iteration: Iteration,
    selected: SuggestionFilter,
    *,
    after: RankedPosition | None,
    most: int,
) -> tuple[list[Suggestion], bool]:
    """Returns the iteration's suggestions that the filter selects, in its order, after a position.

    They are ``most``, or fewer where they have very many tags; the second value tells whether more follow.
    """
    images = _walk(connection, iteration, selected, after, most + 1)
    # One by one, so that what does not fit is not even read.
    rows = (row for image in images for row in connection.query(_SELECT, [iteration.sequence, image]))
    shown, more = take_page(rows, most)
    return [_suggestion(row, iteration) for row in shown], more


def counts(connection: Connection, iteration: Iteration, tag_ids: Sequence[str], threshold: float) -> dict[str, int]:
    """Returns how many images each of the tags is suggested for with at least the threshold, also where none is."""
    rows = connection.execute(
        "SELECT value, (SELECT count(*) FROM suggested_tags"
        " WHERE iteration = ? AND tag_id = value AND probability >= ?) FROM json_each(?)",
        [iteration.sequence, threshold, to_list(tag_ids)],
    )
    return dict(rows.fetchall())


def delete_older(connection: Connection, before: datetime, limit: int) -> int:
    """Removes at most ``limit`` suggestions, of any project, that were recorded before the time; returns how many."""
    cursor = connection.execute(
        "DELETE FROM suggestions WHERE rowid IN (SELECT rowid FROM suggestions WHERE create_time < ? LIMIT ?)",
        [before.isoformat(), limit],
    )
    removed: int = cursor.rowcount
    return removed


def _walk(
    connection: Connection,
    iteration: Iteration,
    selected: SuggestionFilter,
    after: RankedPosition | None,
    limit: int,
) -> list[int]:
    """Returns the images (by sequence) of the first suggestions after the position."""
    comparison, direction = _WALKS[selected.order]
    beyond = f"AND (uncertainty, image) {comparison} (:rank, :sequence)" if after else ""
    parameters = {"iteration": iteration.sequence, "threshold": selected.threshold, "limit": limit}
    parameters |= {"rank": after.rank, "sequence": after.sequence} if after else {}
    # One short walk for each tag, then merged: a single query over several tags would sort all their suggestions.
    sources = [(_OF_TAG, {"tag_id": tag_id}) for tag_id in selected.tag_ids] or [(_OF_ANY_TAG, {})]
    found = {
        (uncertainty, image)
        for source, of_source in sources
        for uncertainty, image in connection.execute(
            f"SELECT uncertainty, image FROM {source} {beyond}"  # noqa: S608 - no user text in it
            f" ORDER BY uncertainty {direction}, image {direction} LIMIT :limit",
            parameters | of_source,
        )
    }
    return [image for _, image in sorted(found, reverse=direction == "DESC")[:limit]]


def _suggestion(row: Row, iteration: Iteration) -> Suggestion:
    return Suggestion(
        sequence=row["image"],
        image_id=row["image_id"],
        project_id=iteration.project_id,
        iteration_id=iteration.iteration_id,
        predictions=to_answer(row["predictions"]),
        uncertainty=row["uncertainty"],
        create_time=to_time(row["create_time"]),
    )
