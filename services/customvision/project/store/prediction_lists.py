"""Pages of stored predictions: each query walks an index that holds all that it is filtered by."""

from collections.abc import Iterator

from customvision.common.database import Connection
from customvision.common.pagination import RankedPosition
from customvision.project.domain.prediction_filter import PredictionFilter, PredictionOrder
from customvision.project.domain.stored_prediction import StoredPrediction
from customvision.project.store import stored_predictions

# By order: the index to walk, what lies beyond a position, and the direction.
_WALKS = {
    PredictionOrder.NEWEST_FIRST: ("predictions_in_order", "sequence < :sequence", "sequence DESC"),
    PredictionOrder.OLDEST_FIRST: ("predictions_in_order", "sequence > :sequence", "sequence"),
    PredictionOrder.SUGGESTED: (
        "predictions_by_uncertainty",
        "(uncertainty, sequence) < (:rank, :sequence)",
        "uncertainty DESC, sequence DESC",
    ),
}
_Condition = tuple[str, dict[str, object]]


def page(
    connection: Connection, selected: PredictionFilter, *, after: RankedPosition | None, most: int
) -> tuple[list[StoredPrediction], bool]:
    """Returns predictions that the filter selects, in its order, after a position whose rank is an uncertainty.

    They are ``most``, or fewer where they have very many tags; the second value tells whether more follow.
    """
    index, beyond, order = _WALKS[selected.order]
    conditions = list(_conditions(selected))
    if after is not None:
        conditions.append((beyond, {"rank": after.rank, "sequence": after.sequence}))
    # The plan is ours: left to itself, SQLite may sort all that there is.
    rows = connection.execute(
        f"SELECT sequence FROM stored_predictions INDEXED BY {index}"  # noqa: S608 - no user text in it
        f" WHERE {' AND '.join(text for text, _ in conditions)} ORDER BY {order} LIMIT :limit",
        {name: value for _, values in conditions for name, value in values.items()} | {"limit": most + 1},
    )
    return stored_predictions.page_of(connection, [row[0] for row in rows], most)


def _conditions(selected: PredictionFilter) -> Iterator[_Condition]:
    yield "project_id = :project_id", {"project_id": selected.project_id}
    if selected.iteration_id:
        yield "iteration_id = :iteration_id", {"iteration_id": selected.iteration_id}
    if selected.application:
        yield "application = :application", {"application": selected.application}
    if selected.start_time is not None:
        yield "create_time >= :start_time", {"start_time": selected.start_time.isoformat()}
    if selected.end_time is not None:
        yield "create_time < :end_time", {"end_time": selected.end_time.isoformat()}
    for number, tag in enumerate(selected.tags):
        condition = (
            "EXISTS (SELECT 1 FROM prediction_tags WHERE prediction = stored_predictions.sequence"  # noqa: S608
            f" AND tag_id = :tag_{number} AND probability BETWEEN :min_{number} AND :max_{number})"
        )
        names = (f"tag_{number}", f"min_{number}", f"max_{number}")
        yield condition, dict(zip(names, (tag.tag_id, tag.min_probability, tag.max_probability), strict=True))
