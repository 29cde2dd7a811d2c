"""The parts of a list of images: walks, which give images in order of creation from an index, and what they must meet.

A walk is a SELECT of one column ``image``, a sequence; a condition is about ``walk.image``. Values stand beside them.
"""

from dataclasses import dataclass

from customvision.common.database import Connection
from customvision.project.domain.image import ImageFilter, TaggingStatus
from customvision.project.store.bindings import Bindings
from customvision.project.store.columns import to_list
from customvision.project.store.metadata_walks import PairWalks, size_of

_TAGGED = {TaggingStatus.ALL: "", TaggingStatus.TAGGED: " AND tagged = 1", TaggingStatus.UNTAGGED: " AND tagged = 0"}


@dataclass(frozen=True)
class Walks:
    """Walks that together pass every image that is selected; what they pass is selected where ``conditions`` hold.

    What the walks ``left_out`` pass is not selected.
    """

    walks: tuple[str, ...]
    conditions: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def walks_of(
    connection: Connection, selected: ImageFilter, iteration: int | None, bindings: Bindings, *, in_order: bool
) -> Walks:
    """Returns how to find what ``selected`` selects in the current data set, or in that of an iteration (its sequence).

    Of several ways the one with the fewest images to look at is taken; ``in_order`` tells that they are to be sorted.
    """
    if iteration is None:
        walks, membership = _current_walks(selected, bindings), _is_current(selected, bindings)
    else:
        walks, membership = _frozen_walks(selected, iteration, bindings), _is_frozen(selected, iteration, bindings)
    pairs = PairWalks(connection, selected.project_id, selected.metadata, bindings) if selected.metadata else None
    matching = (pairs.condition,) if pairs else ()
    if selected.image_ids:
        return Walks((_named_images(selected, bindings),), (membership, *matching))
    cover = pairs.cover if pairs else None
    if cover and cover.size <= sum(size_of(connection, walk, bindings) for walk in walks):
        return Walks(cover.walks, (membership,) if cover.exact else (membership, *matching))
    # In order, two walks side by side are faster than one with a look at each image; both have about as many.
    if pairs and in_order and _selects_all(selected, iteration) and pairs.left_out:
        return Walks(walks, (), pairs.left_out)
    return Walks(walks, matching)


def _selects_all(selected: ImageFilter, iteration: int | None) -> bool:
    """Tells whether everything in the current data set is selected, but for what the metadata say."""
    return iteration is None and not selected.tag_ids and selected.tagging_status is TaggingStatus.ALL


def _current_walks(selected: ImageFilter, bindings: Bindings) -> tuple[str, ...]:
    project = bindings.bind(selected.project_id)
    if not selected.tag_ids:
        tagged = _TAGGED[selected.tagging_status]
        return (f"SELECT sequence AS image FROM images WHERE project_id = {project} AND current = 1{tagged}",)  # noqa: S608
    # One short walk for each tag, then merged: a single query over several tags would sort all their images.
    return tuple(
        "SELECT image FROM image_tags WHERE tag ="  # noqa: S608
        f" (SELECT sequence FROM tags WHERE project_id = {project} AND tag_id = {bindings.bind(tag_id)})"
        for tag_id in selected.tag_ids
    )


def _is_current(selected: ImageFilter, bindings: Bindings) -> str:
    tagged = _TAGGED[selected.tagging_status]
    current = f"EXISTS (SELECT 1 FROM images WHERE sequence = walk.image AND current = 1{tagged})"  # noqa: S608
    if not selected.tag_ids:
        return current
    project, tag_ids = bindings.bind(selected.project_id), bindings.bind(to_list(selected.tag_ids))
    return (
        f"{current} AND EXISTS (SELECT 1 FROM image_tags WHERE image = walk.image"  # noqa: S608
        f" AND tag IN (SELECT sequence FROM tags WHERE project_id = {project}"
        f" AND tag_id IN (SELECT value FROM json_each({tag_ids}))))"
    )


def _frozen_walks(selected: ImageFilter, iteration: int, bindings: Bindings) -> tuple[str, ...]:
    frozen = bindings.bind(iteration)
    walk = f"SELECT image FROM iteration_images WHERE iteration = {frozen}"  # noqa: S608
    if not selected.tag_ids:
        return (walk,)
    return tuple(
        f"{walk} AND tag = (SELECT tag FROM iteration_tags"  # noqa: S608
        f" WHERE iteration = {frozen} AND tag_id = {bindings.bind(tag_id)})"
        for tag_id in selected.tag_ids
    )


def _is_frozen(selected: ImageFilter, iteration: int, bindings: Bindings) -> str:
    frozen = bindings.bind(iteration)
    held = f"SELECT 1 FROM iteration_images WHERE iteration = {frozen} AND image = walk.image"  # noqa: S608
    if selected.tag_ids:
        tag_ids = bindings.bind(to_list(selected.tag_ids))
        held += (
            f" AND tag IN (SELECT tag FROM iteration_tags WHERE iteration = {frozen}"  # noqa: S608
            f" AND tag_id IN (SELECT value FROM json_each({tag_ids})))"
        )
    return f"EXISTS ({held})"


def _named_images(selected: ImageFilter, bindings: Bindings) -> str:
    project, image_ids = bindings.bind(selected.project_id), bindings.bind(to_list(selected.image_ids))
    # The plus keeps SQLite from walking all of the project instead.
    return (
        f"SELECT sequence AS image FROM images WHERE +project_id = {project}"  # noqa: S608
        f" AND image_id IN (SELECT value FROM json_each({image_ids}))"
    )
