"""Pages of images: each query walks an index in the order of the list, so a page costs the same in any project."""

from collections.abc import Sequence

from customvision.common.database import Connection
from customvision.project.domain.image import Image, ImageFilter, ImageOrder, TaggingStatus
from customvision.project.store import images
from customvision.project.store.columns import to_list

_FIRST, _LAST = 0, 2**63 - 1


def page(connection: Connection, selected: ImageFilter, *, after: int | None, limit: int) -> list[Image]:
    """Returns images of the current data set after the sequence ``after``, in the filter's order."""
    sequences = (
        _by_tags(connection, selected, after, limit) if selected.tag_ids else _all(connection, selected, after, limit)
    )
    return images.in_sequences(connection, sequences)


def iteration_page(
    connection: Connection, iteration: int, selected: ImageFilter, *, after: int | None, limit: int
) -> list[Image]:
    """Returns images of a frozen data set, with the tags they carried when it was frozen."""
    if selected.tagging_status is TaggingStatus.UNTAGGED:
        return []
    if selected.tag_ids:
        sequences = _frozen_by_tags(connection, iteration, selected, after, limit)
    else:
        sequences = _frozen(connection, iteration, selected, after, limit)
    tag_ids = frozen_tag_ids(connection, iteration, sequences)
    return [images.to_image(row, tag_ids[row["sequence"]]) for row in images.rows_in_sequences(connection, sequences)]


def frozen_tag_ids(connection: Connection, iteration: int, sequences: Sequence[int]) -> dict[int, list[str]]:
    """Returns the tag ids that these images carry in a frozen data set, by image sequence."""
    tag_ids: dict[int, list[str]] = {sequence: [] for sequence in sequences}
    pairs = connection.execute(
        "SELECT ii.image, it.tag_id FROM iteration_images ii"
        " JOIN iteration_tags it ON it.iteration = ii.iteration AND it.tag = ii.tag"
        " WHERE ii.iteration = ? AND ii.image IN (SELECT value FROM json_each(?)) ORDER BY ii.image, ii.tag",
        [iteration, to_list(sequences)],
    )
    for image, tag_id in pairs:
        tag_ids[image].append(tag_id)
    return tag_ids


def _all(connection: Connection, selected: ImageFilter, after: int | None, limit: int) -> list[int]:
    bound, order, start = _walk(selected.order, after)
    tagged = {TaggingStatus.ALL: "", TaggingStatus.TAGGED: "AND tagged = 1", TaggingStatus.UNTAGGED: "AND tagged = 0"}
    rows = connection.execute(
        f"SELECT sequence FROM images WHERE project_id = ? AND current = 1 {tagged[selected.tagging_status]}"  # noqa: S608
        f" AND sequence {bound} ? ORDER BY sequence {order} LIMIT ?",
        [selected.project_id, start, limit],
    )
    return [row[0] for row in rows]


def _by_tags(connection: Connection, selected: ImageFilter, after: int | None, limit: int) -> list[int]:
    if selected.tagging_status is TaggingStatus.UNTAGGED:
        return []
    bound, order, start = _walk(selected.order, after)
    query = (
        "SELECT it.image FROM image_tags it JOIN tags t ON t.sequence = it.tag"  # noqa: S608
        f" WHERE t.project_id = ? AND t.tag_id = ? AND it.image {bound} ? ORDER BY it.image {order} LIMIT ?"
    )
    # One short walk for each tag, then merged: a single query over several tags would sort all their images.
    found = {
        row[0]
        for tag_id in selected.tag_ids
        for row in connection.execute(query, [selected.project_id, tag_id, start, limit])
    }
    return _merged(found, selected.order, limit)


def _frozen(connection: Connection, iteration: int, selected: ImageFilter, after: int | None, limit: int) -> list[int]:
    bound, order, start = _walk(selected.order, after)
    rows = connection.execute(
        f"SELECT DISTINCT image FROM iteration_images WHERE iteration = ? AND image {bound} ?"  # noqa: S608
        f" ORDER BY image {order} LIMIT ?",
        [iteration, start, limit],
    )
    return [row[0] for row in rows]


def _frozen_by_tags(
    connection: Connection, iteration: int, selected: ImageFilter, after: int | None, limit: int
) -> list[int]:
    bound, order, start = _walk(selected.order, after)
    query = (
        "SELECT ii.image FROM iteration_tags it"  # noqa: S608
        " JOIN iteration_images ii ON ii.iteration = it.iteration AND ii.tag = it.tag"
        f" WHERE it.iteration = ? AND it.tag_id = ? AND ii.image {bound} ? ORDER BY ii.image {order} LIMIT ?"
    )
    found = {
        row[0] for tag_id in selected.tag_ids for row in connection.execute(query, [iteration, tag_id, start, limit])
    }
    return _merged(found, selected.order, limit)


def _walk(order: ImageOrder, after: int | None) -> tuple[str, str, int]:
    if order is ImageOrder.NEWEST_FIRST:
        return "<", "DESC", _LAST if after is None else after
    return ">", "ASC", _FIRST if after is None else after


def _merged(sequences: set[int], order: ImageOrder, limit: int) -> list[int]:
    return sorted(sequences, reverse=order is ImageOrder.NEWEST_FIRST)[:limit]
