"""A tag: one class of a project, and which tags may stand together on an image."""

import enum
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from customvision.common.errors import AlreadyExists, FailedPrecondition, NotFound
from customvision.project.domain.project import ClassificationType
from customvision.project.domain.text import shortened


class TagType(enum.Enum):
    """What a tag stands for: a class to recognise, or images that show none of them."""

    REGULAR = "regular"
    NEGATIVE = "negative"


@dataclass(frozen=True)
class Tag:
    """A tag as it stands; ``sequence`` is its place in the order of creation."""

    sequence: int
    tag_id: str
    project_id: str
    name: str
    description: str
    type: TagType
    image_count: int
    create_time: datetime


class TagNotFound(NotFound):
    """The project has no such tag."""

    reason = "TAG_NOT_FOUND"

    def __init__(self, tag_id: str) -> None:
        super().__init__(
            f"The project has no tag with id '{shortened(tag_id)}'; ListTags shows those there are.",
            metadata={"tag_id": tag_id},
        )


class TagNotInIteration(NotFound):
    """The data set of the iteration has no such tag."""

    reason = "TAG_NOT_IN_ITERATION"

    def __init__(self, tag_id: str) -> None:
        super().__init__(
            f"The iteration was not trained on a tag with id '{shortened(tag_id)}'; ListTags with its iteration_id "
            "shows those it was.",
            metadata={"tag_id": tag_id},
        )


class TagNameTaken(AlreadyExists):
    """Another tag of the project has the name."""

    reason = "TAG_NAME_TAKEN"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The project has a tag '{name}' already; use that one, or choose another name.",
            metadata={"tag_name": name},
        )


class NegativeTagExists(AlreadyExists):
    """A project has one negative tag at most."""

    reason = "NEGATIVE_TAG_EXISTS"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Tag '{name}' is the project's negative tag already; a project has one at most.",
            metadata={"tag_name": name},
        )


class TagLimitReached(FailedPrecondition):
    """An image of a multiclass project would get a second tag."""

    reason = "TAG_LIMIT_REACHED"


class NegativeBesideRegularTag(FailedPrecondition):
    """An image would carry the negative tag and a regular one."""

    reason = "NEGATIVE_BESIDE_REGULAR_TAG"


def check_tags_together(
    classification_type: ClassificationType, present: Collection[Tag], added: Collection[Tag], *, image: str
) -> None:
    """Checks that an image with the tags ``present`` may get those ``added``; ``image`` names it in the message.

    Raises TagLimitReached or NegativeBesideRegularTag.
    """
    together = {tag.tag_id: tag for tag in (*present, *added)}
    if len(together) < 2 or not any(tag.tag_id not in {held.tag_id for held in present} for tag in added):
        return
    names = [tag.name for tag in together.values()]
    if classification_type is ClassificationType.MULTICLASS:
        raise TagLimitReached(_limit_sentence(image, [tag.name for tag in present], [tag.name for tag in added]))
    negative = next((tag for tag in together.values() if tag.type is TagType.NEGATIVE), None)
    if negative is not None:
        other = next(name for name in names if name != negative.name)
        raise NegativeBesideRegularTag(
            f"{image} would carry the negative tag '{negative.name}' beside '{other}'; choose one of them.",
            metadata={"negative_tag_name": negative.name, "tag_name": other},
        )


def _limit_sentence(image: str, present: list[str], added: list[str]) -> str:
    if present:
        return (
            f"{image} carries tag '{present[0]}' already; in a multiclass project an image has one tag. "
            f"Take '{present[0]}' off first, or make the project multilabel."
        )
    return (
        f"{image} would get the tags {', '.join(repr(name) for name in added[:3])}; in a multiclass project an image "
        "has one tag. Give one, or make the project multilabel."
    )
