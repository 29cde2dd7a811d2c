"""The parts of a list of images: walks, which give images in order of creation from an index, and what they must meet.

A walk is a SELECT of one column ``image``, a sequence; a condition is about ``walk.image``. Values stand beside them.
"""

from dataclasses import dataclass

from customvision.common.database import Connection
from customvision.project.domain.image import ImageFilter, TaggingStatus
from customvision.project.domain.metadata_filter import Comparison, Conjunction, MetadataFilter
from customvision.project.store.bindings import Bindings
from customvision.project.store.columns import to_list

_TAGGED = {TaggingStatus.ALL: "", TaggingStatus.TAGGED: " AND tagged = 1", TaggingStatus.UNTAGGED: " AND tagged = 0"}
# Whoever has more images to walk through is slow to find few among them; how many more makes no difference.
_MANY = 5000
# A statement of more walks takes longer to compile than to run.
_MAX_WALKS = 20


@dataclass(frozen=True)
class Walks:
    """Walks that together pass every image that is selected; what they pass is selected where ``conditions`` hold."""

    walks: tuple[str, ...]
    conditions: tuple[str, ...]


@dataclass(frozen=True)
class _Cover:
    """Walks that together pass every image that a filter selects, and how many images they pass, up to _MANY each."""

    walks: tuple[str, ...]
    size: int


def walks_of(connection: Connection, selected: ImageFilter, iteration: int | None, bindings: Bindings) -> Walks:
    """Returns how to find what ``selected`` selects in the current data set, or in that of an iteration (its sequence).

    Of several ways the one with the fewest images to look at is taken.
    """
    if iteration is None:
        walks, membership = _current_walks(selected, bindings), _is_current(selected, bindings)
    else:
        walks, membership = _frozen_walks(selected, iteration, bindings), _is_frozen(selected, iteration, bindings)
    matching = () if selected.metadata is None else (_matches(selected.metadata, bindings),)
    if selected.image_ids:
        return Walks((_named_images(selected, bindings),), (membership, *matching))
    if selected.metadata is not None:
        cover = _cover_of(connection, selected.project_id, selected.metadata, bindings)
        if cover is not None and cover.size <= sum(_size(connection, walk, bindings) for walk in walks):
            return Walks(cover.walks, (membership, *matching))
    return Walks(walks, matching)


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


def _matches(wanted: MetadataFilter, bindings: Bindings) -> str:
    if isinstance(wanted, Comparison):
        key, value = bindings.bind(wanted.key), bindings.bind(wanted.value)
        pair = f"SELECT 1 FROM image_metadata WHERE image = walk.image AND key = {key} AND value = {value}"  # noqa: S608
        return f"{'' if wanted.equal else 'NOT '}EXISTS ({pair})"
    joint = " AND " if isinstance(wanted, Conjunction) else " OR "
    return f"({joint.join(_matches(term, bindings) for term in wanted.terms)})"


def _cover_of(connection: Connection, project_id: str, wanted: MetadataFilter, bindings: Bindings) -> _Cover | None:
    """Returns the smallest cover that pairs of the filter give, or None where none does."""
    if isinstance(wanted, Comparison):
        if not wanted.equal:
            return None
        project, key, value = bindings.bind(project_id), bindings.bind(wanted.key), bindings.bind(wanted.value)
        walk = (
            "SELECT image FROM image_metadata WHERE project ="  # noqa: S608
            f" (SELECT sequence FROM projects WHERE project_id = {project}) AND key = {key} AND value = {value}"
        )
        return _Cover((walk,), _size(connection, walk, bindings))
    covers = [_cover_of(connection, project_id, term, bindings) for term in wanted.terms]
    found = [cover for cover in covers if cover is not None]
    if isinstance(wanted, Conjunction):
        return min(found, key=lambda cover: cover.size, default=None)
    walks = tuple(walk for cover in found for walk in cover.walks)
    if len(found) < len(covers) or len(walks) > _MAX_WALKS:
        return None
    return _Cover(walks, sum(cover.size for cover in found))


def _size(connection: Connection, walk: str, bindings: Bindings) -> int:
    row = connection.execute(f"SELECT count(*) FROM ({walk} LIMIT {_MANY})", bindings).fetchone()  # noqa: S608
    size: int = row[0]
    return size
