"""A project: one classifier in the making."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from customvision.common.errors import AlreadyExists, FailedPrecondition, NotFound
from customvision.project.domain.text import FEWER, checked_count, checked_name, shortened

MAX_EXPORT_PLATFORMS = 16
MAX_EXPORT_PLATFORM_CHARACTERS = 64


class ClassificationType(enum.Enum):
    """How many tags one image may carry."""

    MULTICLASS = "multiclass"
    MULTILABEL = "multilabel"


class ProjectStatus(enum.Enum):
    """Whether a project is whole: only copies can be otherwise."""

    SUCCEEDED = "succeeded"
    IMPORTING = "importing"
    FAILED = "failed"


@dataclass(frozen=True)
class Project:
    """A project as it stands; ``sequence`` is its place in the order of creation.

    ``domain_id`` is the domain of trainings to come. ``thumbnail_image_id`` is its newest image, empty without images.
    """

    sequence: int
    project_id: str
    name: str
    description: str
    classification_type: ClassificationType
    create_time: datetime
    update_time: datetime
    image_count: int
    tag_count: int
    domain_id: str
    target_export_platforms: tuple[str, ...] = ()
    status: ProjectStatus = ProjectStatus.SUCCEEDED
    thumbnail_image_id: str = ""


def checked_export_platforms(platforms: Sequence[str]) -> tuple[str, ...]:
    """Returns the platforms as given. Raises TooManyItems or NameInvalid."""
    checked_count(platforms, MAX_EXPORT_PLATFORMS, "target_export_platforms", advice=FEWER)
    return tuple(
        checked_name(platform, f"target_export_platforms[{index}]", MAX_EXPORT_PLATFORM_CHARACTERS)
        for index, platform in enumerate(platforms)
    )


class ProjectNotFound(NotFound):
    """There is no such project."""

    reason = "PROJECT_NOT_FOUND"

    def __init__(self, project_id: str) -> None:
        super().__init__(
            f"There is no project with id '{shortened(project_id)}'; ListProjects shows those there are.",
            metadata={"project_id": project_id},
        )


class RequestIdReused(AlreadyExists):
    """A request id came again with other content."""

    reason = "REQUEST_ID_REUSED"

    def __init__(self, request_id: str) -> None:
        super().__init__(
            "This request_id was used for a call with other content; give each new call an id of its own.",
            metadata={"request_id": request_id},
        )


class ProjectInUse(FailedPrecondition):
    """A project with an iteration that is published, in training, or what a training begins with, cannot be deleted."""

    reason = "PROJECT_IN_USE"

    def __init__(self, iteration_name: str, *, published: bool = False, base: bool = False) -> None:
        """``base``: the iteration is of another project, and its training begins with one of this project's."""
        if base:
            state, remedy = "of another project is in training and begins with one of this project's", "cancel that"
        elif published:
            state, remedy = "of the project is published", "unpublish it"
        else:
            state, remedy = "of the project is in training", "cancel its training"
        super().__init__(
            f"Iteration '{iteration_name}' {state}; {remedy}, then delete the project.",
            metadata={"iteration_name": iteration_name, "state": "published" if published and not base else "training"},
        )


class SeveralTagsPerImage(FailedPrecondition):
    """A project becomes multiclass only where no image carries two tags."""

    reason = "SEVERAL_TAGS_PER_IMAGE"

    def __init__(self, image_count: int) -> None:
        images = "1 image carries" if image_count == 1 else f"{image_count:,} images carry"
        super().__init__(
            f"{images} more than one tag; a multiclass project allows one. Take the others off first.",
            metadata={"image_count": str(image_count)},
        )


class ProjectImporting(FailedPrecondition):
    """A project that is being copied can only be read and deleted."""

    reason = "PROJECT_IMPORTING"

    def __init__(self, project_id: str) -> None:
        super().__init__(
            "The project is being copied from another; wait until GetProject says SUCCEEDED, then change it.",
            metadata={"project_id": project_id},
        )


class ProjectImportFailed(FailedPrecondition):
    """A project whose copying ended early can only be read and deleted."""

    reason = "PROJECT_IMPORT_FAILED"

    def __init__(self, project_id: str) -> None:
        super().__init__(
            "The project is a copy that ended early and is not whole; delete it and import again.",
            metadata={"project_id": project_id},
        )
