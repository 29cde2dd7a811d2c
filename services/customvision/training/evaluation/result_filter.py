"""Which results of an iteration are wanted."""

from dataclasses import dataclass

from customvision.common.errors import NotFound


class TagNotInIteration(NotFound):
    """The iteration does not know the tag."""

    reason = "TAG_NOT_IN_ITERATION"


@dataclass(frozen=True)
class ResultFilter:
    """Which results are wanted: only wrong ones, of images that carry a tag, of images taken for a tag; empty: all."""

    wrong_only: bool = False
    tag_id: str = ""
    taken_for_tag_id: str = ""
