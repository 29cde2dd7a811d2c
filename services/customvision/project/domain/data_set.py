"""What a data set must be to train on, and when two are the same."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from customvision.common.errors import FailedPrecondition
from customvision.project.domain.iteration import Iteration, TrainingType
from customvision.project.domain.project import ClassificationType
from customvision.project.domain.tag import Tag
from customvision.project.domain.text import shortened

MIN_IMAGES_PER_TAG = 5
MIN_TAGS = 2


@dataclass(frozen=True)
class DataSetImage:
    """One image of a frozen data set with the tags it carried then; never without tags."""

    sequence: int
    image_id: str
    content_sha256: str
    tag_ids: tuple[str, ...]


class TooFewTags(FailedPrecondition):
    """A classifier needs two tags with images."""

    reason = "TOO_FEW_TAGS"

    def __init__(self, with_images: Sequence[Tag]) -> None:
        found = f"only tag '{with_images[0].name}' has images" if with_images else "no tag has images"
        super().__init__(
            f"Training needs at least {MIN_TAGS} tags with images, and {found}. Upload photos of another class.",
            metadata={"tag_count": str(len(with_images)), "required": str(MIN_TAGS)},
        )


class TooFewImages(FailedPrecondition):
    """A tag has too few images to learn from."""

    reason = "TOO_FEW_IMAGES"

    def __init__(self, tags: Sequence[Tag]) -> None:
        first, others = tags[0], tags[1:4]
        images = "1 image" if first.image_count == 1 else f"{first.image_count} images"
        also = "".join(f" Tag '{tag.name}' has {tag.image_count}." for tag in others)
        more = f" {len(tags) - 4} more tags have too few." if len(tags) > 4 else ""
        super().__init__(
            f"Tag '{first.name}' has {images}; training needs at least {MIN_IMAGES_PER_TAG} per tag.{also}{more}",
            metadata={
                "tag_name": first.name,
                "image_count": str(first.image_count),
                "required": str(MIN_IMAGES_PER_TAG),
            },
        )


class NothingChanged(FailedPrecondition):
    """The data set is the one that the newest completed iteration was trained on."""

    reason = "NOTHING_CHANGED"

    def __init__(self, newest: Iteration) -> None:
        super().__init__(
            f"Nothing changed since {shortened(newest.name)}; add or retag images, or force training.",
            metadata={"iteration_id": newest.iteration_id, "iteration_name": newest.name},
        )


def check_trainable(tags: Iterable[Tag]) -> None:
    """Checks a project's tags with the counts of their images; those without images are left out.

    Raises TooFewTags or TooFewImages.
    """
    with_images = [tag for tag in tags if tag.image_count]
    if len(with_images) < MIN_TAGS:
        raise TooFewTags(with_images)
    too_small = [tag for tag in with_images if tag.image_count < MIN_IMAGES_PER_TAG]
    if too_small:
        raise TooFewImages(too_small)


def check_changed(fingerprint: str, backbone_id: str, newest: Iteration | None) -> None:
    """Raises NothingChanged where ``newest``, the newest completed iteration, had this data set and backbone.

    Backbones are compared only where both are known.
    """
    if newest is None or newest.data_set_fingerprint != fingerprint:
        return
    trained_on = newest.backbone.backbone_id if newest.backbone else ""
    if backbone_id and trained_on and backbone_id != trained_on:
        return
    raise NothingChanged(newest)


def fingerprint_of(
    classification_type: ClassificationType,
    training_type: TrainingType,
    tags: Iterable[Tag],
    images: Iterable[tuple[str, str]],
) -> str:
    """Returns a digest that is equal for equal data sets.

    ``images`` are pairs of content digest and tag id, in an order that depends on them alone.
    """
    digest = hashlib.sha256(f"{classification_type.value}\n{training_type.value}\n".encode())
    for tag in tags:
        if tag.image_count:
            # repr keeps a name with line breaks or quotes apart from two names.
            digest.update(f"{tag.tag_id} {tag.type.value} {tag.name!r}\n".encode())
    for content_sha256, tag_id in images:
        digest.update(f"{content_sha256} {tag_id}\n".encode())
    return digest.hexdigest()
