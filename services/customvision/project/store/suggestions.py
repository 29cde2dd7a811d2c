"""Suggestions in SQL. A trigger removes those of an image that gets a tag or leaves the data set."""

from collections.abc import Sequence
from datetime import datetime

from customvision.common.database import Connection
from customvision.common.pagination import RankedPosition
from customvision.project.domain.iteration import Iteration
from customvision.project.domain.suggestion import Suggestion, SuggestionFilter, SuggestionOrder
from customvision.project.store.answers import from_answer, take_page, to_answer
from customvision.project.store.columns import Row, to_list, to_time
from customvision.project.store.images import rows_in_sequences

# By order: what lies beyond a position, and the direction.
_WALKS = {
    SuggestionOrder.LEAST_CERTAIN_FIRST: ("(uncertainty, image) < (:rank, :sequence)", "DESC"),
    SuggestionOrder.MOST_CERTAIN_FIRST: ("(uncertainty, image) > (:rank, :sequence)", "ASC"),
}
_Condition = tuple[str, dict[str, object]]


def replace(connection: Connection, iteration: Iteration, suggestion: Suggestion) -> None:
    """Adds a suggestion of the iteration in place of the one of the same image, where there is one."""
    key = (iteration.sequence, suggestion.sequence)
    connection.execute("DELETE FROM suggestions WHERE iteration = ? AND image = ?", key)
    connection.execute(
        "INSERT INTO suggestions (iteration, image, predictions, uncertainty, create_time) VALUES (?, ?, ?, ?, ?)",
        [*key, from_answer(suggestion.predictions), suggestion.uncertainty, suggestion.create_time.isoformat()],
    )
    connection.conn.executemany(
        # Of a tag that stands there twice, the likelier one counts: it comes first.
        "INSERT OR IGNORE INTO suggested_tags (iteration, image, tag_id, probability) VALUES (?, ?, ?, ?)",
        [(*key, entry.tag_id, entry.probability) for entry in suggestion.predictions],
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
    beyond, direction = _WALKS[selected.order]
    conditions: list[_Condition] = [("iteration = :iteration", {"iteration": iteration.sequence})]
    if after is not None:
        conditions.append((beyond, {"rank": after.rank, "sequence": after.sequence}))
    if selected.tag_ids or selected.threshold > 0:
        conditions.append(_reached(selected))
    rows = connection.query(
        "SELECT * FROM suggestions INDEXED BY suggestions_by_uncertainty"  # noqa: S608 - no user text in it
        f" WHERE {' AND '.join(text for text, _ in conditions)}"
        f" ORDER BY uncertainty {direction}, image {direction} LIMIT :limit",
        {name: value for _, values in conditions for name, value in values.items()} | {"limit": most + 1},
    )
    shown, more = take_page(rows, most)
    return _suggestions(connection, iteration, shown), more


def counts(connection: Connection, iteration: Iteration, tag_ids: Sequence[str], threshold: float) -> dict[str, int]:
    """Returns how many images each of the tags is suggested for with at least the threshold, also where none is."""
    rows = connection.execute(
        "SELECT value, (SELECT count(*) FROM suggested_tags INDEXED BY suggested_tags_by_probability"
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


def _reached(selected: SuggestionFilter) -> _Condition:
    of_tags = "AND tag_id IN (SELECT value FROM json_each(:tag_ids))" if selected.tag_ids else ""
    condition = (
        "EXISTS (SELECT 1 FROM suggested_tags t WHERE t.iteration = suggestions.iteration"  # noqa: S608
        f" AND t.image = suggestions.image AND probability >= :threshold {of_tags})"
    )
    return condition, {"threshold": selected.threshold, "tag_ids": to_list(selected.tag_ids)}


def _suggestions(connection: Connection, iteration: Iteration, rows: Sequence[Row]) -> list[Suggestion]:
    sequences = [row["image"] for row in rows]
    image_ids = {image["sequence"]: image["image_id"] for image in rows_in_sequences(connection, sequences)}
    return [
        Suggestion(
            sequence=row["image"],
            image_id=image_ids[row["image"]],
            project_id=iteration.project_id,
            iteration_id=iteration.iteration_id,
            predictions=to_answer(row["predictions"]),
            uncertainty=row["uncertainty"],
            create_time=to_time(row["create_time"]),
        )
        for row in rows
    ]
