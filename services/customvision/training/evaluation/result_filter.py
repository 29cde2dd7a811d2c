"""Which results of an iteration are wanted, and in which order."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from customvision.common.errors import InvalidArgument, NotFound

MAX_TAGS = 20


class TagNotInIteration(NotFound):
    """The iteration does not know the tag."""

    reason = "TAG_NOT_IN_ITERATION"


class TooManyTags(InvalidArgument):
    """More tags are given than one call may carry."""

    reason = "TOO_MANY_ITEMS"


class ResultOrderUnknown(InvalidArgument):
    """The order is none that this version knows."""

    reason = "ENUM_VALUE_INVALID"


class ResultOrder(enum.Enum):
    """Orders of results; the last two go by the creation of the images."""

    SUREST_ERRORS_FIRST = "surest_errors_first"
    OLDEST_FIRST = "oldest_first"
    NEWEST_FIRST = "newest_first"


@dataclass(frozen=True)
class ResultFilter:
    """Which results are wanted: only wrong ones, of images that carry a tag, of images taken for a tag, of images that
    carry any of ``tag_ids``, of images of which one tag was told wrong; empty: all."""

    wrong_only: bool = False
    tag_id: str = ""
    taken_for_tag_id: str = ""
    tag_ids: tuple[str, ...] = ()
    wrong_tag_id: str = ""
    order: ResultOrder = ResultOrder.SUREST_ERRORS_FIRST


def checked_any_tags(tag_ids: Sequence[str]) -> tuple[str, ...]:
    """Returns the tags of which images carry any, each once, in an order of its own. Raises TooManyTags."""
    if len(tag_ids) > MAX_TAGS:
        raise TooManyTags(f"tag_ids has {len(tag_ids)} entries; give at most {MAX_TAGS}.", field="tag_ids")
    return tuple(sorted(set(tag_ids)))
