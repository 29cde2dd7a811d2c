"""Pages and counts of images: each query walks an index in the order of the list, so a page costs the same anywhere."""

from collections.abc import Sequence

from customvision.common.database import Connection
from customvision.project.domain.image import Image, ImageFilter, ImageOrder, ImageTag, TaggingStatus
from customvision.project.store import image_metadata, images
from customvision.project.store.bindings import Bindings
from customvision.project.store.columns import to_list, to_time
from customvision.project.store.image_walks import walks_of

_FIRST, _LAST = 0, 2**63 - 1


def page(connection: Connection, selected: ImageFilter, *, after: int | None, limit: int) -> list[Image]:
    """Returns images of the current data set after the sequence ``after``, in the filter's order."""
    return images.in_sequences(connection, _sequences(connection, selected, None, after, limit))


def iteration_page(
    connection: Connection, iteration: int, selected: ImageFilter, *, after: int | None, limit: int
) -> list[Image]:
    """Returns images of a frozen data set, with the tags they carried when it was frozen and the metadata they have."""
    sequences = _sequences(connection, selected, iteration, after, limit)
    tags = frozen_tags(connection, iteration, sequences)
    metadata = image_metadata.of_images(connection, sequences)
    return [
        images.to_image(row, tags[row["sequence"]], metadata.get(row["sequence"], {}))
        for row in images.rows_in_sequences(connection, sequences)
    ]


def count(connection: Connection, selected: ImageFilter, iteration: int | None) -> int:
    """Returns how many images there are in the current data set, or in that of an iteration; no order, no skip."""
    if _selects_nothing(selected, iteration):
        return 0
    bindings = Bindings()
    selection = _selection(connection, selected, iteration, bindings, bounds="")
    counted: int = connection.execute(f"SELECT count(*) FROM ({selection})", bindings).fetchone()[0]  # noqa: S608
    return counted


def frozen_tags(connection: Connection, iteration: int, sequences: Sequence[int]) -> dict[int, list[ImageTag]]:
    """Returns the tags that these images carry in a frozen data set, by image sequence."""
    tags: dict[int, list[ImageTag]] = {sequence: [] for sequence in sequences}
    pairs = connection.execute(
        "SELECT ii.image, it.tag_id, it.name, coalesce(ii.create_time, i.create_time) FROM iteration_images ii"
        " JOIN iteration_tags it ON it.iteration = ii.iteration AND it.tag = ii.tag"
        " JOIN images i ON i.sequence = ii.image"
        " WHERE ii.iteration = ? AND ii.image IN (SELECT value FROM json_each(?)) ORDER BY ii.image, ii.tag",
        [iteration, to_list(sequences)],
    )
    for image, tag_id, name, create_time in pairs:
        tags[image].append(ImageTag(tag_id, name, to_time(create_time)))
    return tags


def _sequences(
    connection: Connection, selected: ImageFilter, iteration: int | None, after: int | None, limit: int
) -> list[int]:
    if _selects_nothing(selected, iteration):
        return []
    newest_first = selected.order is ImageOrder.NEWEST_FIRST
    start = after if after is not None else _LAST if newest_first else _FIRST
    bindings = Bindings()
    bounds = f"walk.image {'<' if newest_first else '>'} {bindings.bind(start)}"
    selection = _selection(connection, selected, iteration, bindings, bounds=bounds)
    skip = selected.skip if after is None else 0
    rows = connection.execute(
        f"{selection} ORDER BY image {'DESC' if newest_first else 'ASC'}"
        f" LIMIT {bindings.bind(limit)} OFFSET {bindings.bind(skip)}",
        bindings,
    )
    return [row[0] for row in rows]


def _selection(
    connection: Connection, selected: ImageFilter, iteration: int | None, bindings: Bindings, *, bounds: str
) -> str:
    """Returns a SELECT of the sequences of what is selected; SQLite merges its parts as they walk.

    Those between ``bounds`` are wanted in order; without bounds they are to be counted.
    """
    found = walks_of(connection, selected, iteration, bindings, in_order=bool(bounds))
    condition = " AND ".join(filter(None, (bounds, *found.conditions))) or "1"
    selecting = " UNION ".join(_between(walk, condition) for walk in found.walks)
    return " EXCEPT ".join([selecting, *(_between(walk, bounds) for walk in found.left_out)])


def _between(walk: str, condition: str) -> str:
    return f"SELECT DISTINCT walk.image AS image FROM ({walk}) walk WHERE {condition}"  # noqa: S608


def _selects_nothing(selected: ImageFilter, iteration: int | None) -> bool:
    # A tag excludes untagged images, and a frozen data set holds none.
    untagged = selected.tagging_status is TaggingStatus.UNTAGGED
    return untagged and (bool(selected.tag_ids) or iteration is not None)
