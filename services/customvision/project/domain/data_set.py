"""What a data set must be to train on, and when two are the same."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from customvision.common.errors import FailedPrecondition
from customvision.project.domain.domain import DEFAULT_DOMAIN
from customvision.project.domain.iteration import Iteration
from customvision.project.domain.project import ClassificationType
from customvision.project.domain.tag import Tag, TagNotFound
from customvision.project.domain.text import shortened
from customvision.project.domain.training_request import TrainingRequest

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

    def __init__(self, with_images: Sequence[Tag], *, selected: bool) -> None:
        found = f"only tag '{with_images[0].name}' has images" if with_images else "no tag has images"
        remedy = "Upload photos of another class."
        if selected:
            found, remedy = f"only tag '{with_images[0].name}' is selected", "Select another one."
        super().__init__(
            f"Training needs at least {MIN_TAGS} tags with images, and {found}. {remedy}",
            metadata={"tag_count": str(len(with_images)), "required": str(MIN_TAGS)},
        )


class TooFewImages(FailedPrecondition):
    """A tag has too few images to learn from."""

    reason = "TOO_FEW_IMAGES"

    def __init__(self, tags: Sequence[Tag]) -> None:
        first, others = tags[0], tags[1:4]
        images = {0: "no images", 1: "1 image"}.get(first.image_count, f"{first.image_count} images")
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


def trained_tags(tags: Sequence[Tag], selected_tag_ids: Sequence[str]) -> list[Tag]:
    """Returns which of a project's tags are trained: those selected, or all that have images, in order of creation.

    Raises TagNotFound for the first selected one that is missing.
    """
    if not selected_tag_ids:
        return [tag for tag in tags if tag.image_count]
    known = {tag.tag_id for tag in tags}
    missing = next((tag_id for tag_id in selected_tag_ids if tag_id not in known), None)
    if missing is not None:
        raise TagNotFound(missing)
    selected = set(selected_tag_ids)
    return [tag for tag in tags if tag.tag_id in selected]


def check_trainable(tags: Sequence[Tag], *, selected: bool = False) -> None:
    """Checks the tags to train with the counts of their images; ``selected`` says that a user chose them.

    Raises TooFewTags or TooFewImages.
    """
    if len(tags) < MIN_TAGS:
        raise TooFewTags(tags, selected=selected)
    too_small = [tag for tag in tags if tag.image_count < MIN_IMAGES_PER_TAG]
    if too_small:
        raise TooFewImages(too_small)


def check_changed(fingerprint: str, backbone_id: str, newest: Iteration | None) -> None:
    """Raises NothingChanged where ``newest``, the newest completed iteration, had this data set and backbone.

    Backbones are compared only where both are known.
    """
    if newest is None or newest.data_set_fingerprint != fingerprint:
        return
    trained_on = newest.shared_backbone_id
    if backbone_id and trained_on and backbone_id != trained_on:
        return
    raise NothingChanged(newest)


def fingerprint_of(
    classification_type: ClassificationType,
    domain_id: str,
    request: TrainingRequest,
    tags: Iterable[Tag],
    images: Iterable[tuple[str, str]],
) -> str:
    """Returns a digest that is equal for equal data sets that are trained alike.

    ``tags`` are those trained; ``images`` are pairs of content digest and tag id, in an order that depends on them
    alone. A longer budget alone makes no difference.
    """
    digest = hashlib.sha256(f"{classification_type.value}\n{request.training_type.value}\n".encode())
    # What is as it always was adds nothing: so digests of earlier versions still match.
    if domain_id != DEFAULT_DOMAIN.domain_id:
        digest.update(f"domain {domain_id}\n".encode())
    if request.base_iteration_id:
        digest.update(f"base {request.base_iteration_id}\n".encode())
    for tag in tags:
        # repr keeps a name with line breaks or quotes apart from two names.
        digest.update(f"{tag.tag_id} {tag.type.value} {tag.name!r}\n".encode())
    for content_sha256, tag_id in images:
        digest.update(f"{content_sha256} {tag_id}\n".encode())
    return digest.hexdigest()
