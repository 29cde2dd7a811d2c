"""A project: one classifier in the making."""

import enum
from dataclasses import dataclass
from datetime import datetime

from customvision.common.errors import AlreadyExists, FailedPrecondition, NotFound
from customvision.project.domain.text import shortened


class ClassificationType(enum.Enum):
    """How many tags one image may carry."""

    MULTICLASS = "multiclass"
    MULTILABEL = "multilabel"


@dataclass(frozen=True)
class Project:
    """A project as it stands; ``sequence`` is its place in the order of creation.

    ``domain_id`` is the domain of trainings to come.
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
    """A project with a published iteration, or one in training, cannot be deleted."""

    reason = "PROJECT_IN_USE"

    def __init__(self, iteration_name: str, *, published: bool) -> None:
        state, remedy = ("is published", "unpublish it") if published else ("is in training", "cancel its training")
        super().__init__(
            f"Iteration '{iteration_name}' of the project {state}; {remedy}, then delete the project.",
            metadata={"iteration_name": iteration_name},
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
