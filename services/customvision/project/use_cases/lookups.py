"""Finds what a request names, or raises that there is none."""

import hashlib
from collections.abc import Sequence

from customvision.common.database import Connection
from customvision.project.domain.image import Image, ImageNotFound
from customvision.project.domain.iteration import Iteration, IterationNotFound
from customvision.project.domain.project import (
    ClassificationType,
    Project,
    ProjectImportFailed,
    ProjectImporting,
    ProjectNotFound,
    ProjectStatus,
)
from customvision.project.domain.tag import Tag, TagNotFound
from customvision.project.store import images, iterations, projects, tags


def require_project(connection: Connection, project_id: str) -> Project:
    """Returns the project with its counts. Raises ProjectNotFound."""
    project = projects.find(connection, project_id)
    if project is None:
        raise ProjectNotFound(project_id)
    return project


def require_classification_type(connection: Connection, project_id: str) -> ClassificationType:
    """Returns the project's type; cheaper than require_project. Raises ProjectNotFound."""
    classification_type = projects.classification_type(connection, project_id)
    if classification_type is None:
        raise ProjectNotFound(project_id)
    return classification_type


def require_whole(connection: Connection, project_id: str) -> None:
    """Raises ProjectNotFound, or ProjectImporting or ProjectImportFailed where the project can only be read."""
    status = projects.status(connection, project_id)
    if status is None:
        raise ProjectNotFound(project_id)
    if status is ProjectStatus.IMPORTING:
        raise ProjectImporting(project_id)
    if status is ProjectStatus.FAILED:
        raise ProjectImportFailed(project_id)


def require_domain_id(connection: Connection, project_id: str) -> str:
    """Returns the id of the project's domain; cheaper than require_project. Raises ProjectNotFound."""
    domain_id = projects.domain_id(connection, project_id)
    if domain_id is None:
        raise ProjectNotFound(project_id)
    return domain_id


def require_tag(connection: Connection, project_id: str, tag_id: str) -> Tag:
    """Returns the project's tag. Raises ProjectNotFound or TagNotFound."""
    require_classification_type(connection, project_id)
    tag = tags.find(connection, project_id, tag_id)
    if tag is None:
        raise TagNotFound(tag_id)
    return tag


def require_tags(connection: Connection, project_id: str, tag_ids: Sequence[str]) -> list[Tag]:
    """Returns the project's tags in the order asked for, each once. Raises TagNotFound for the first missing."""
    found = tags.find_several(connection, project_id, tag_ids)
    missing = next((tag_id for tag_id in tag_ids if tag_id not in found), None)
    if missing is not None:
        raise TagNotFound(missing)
    return [found[tag_id] for tag_id in dict.fromkeys(tag_ids)]


def require_image(connection: Connection, project_id: str, image_id: str) -> Image:
    """Returns the project's image, also one that only an iteration holds. Raises ProjectNotFound or ImageNotFound."""
    require_classification_type(connection, project_id)
    image = images.find(connection, project_id, image_id)
    if image is None:
        raise ImageNotFound(image_id)
    return image


def require_current_images(connection: Connection, project_id: str, image_ids: Sequence[str]) -> list[Image]:
    """Returns images of the current data set, each once. Raises ImageNotFound for the first missing."""
    found = {image.image_id: image for image in images.find_several(connection, project_id, image_ids) if image.current}
    missing = next((image_id for image_id in image_ids if image_id not in found), None)
    if missing is not None:
        raise ImageNotFound(missing)
    return list(found.values())


def require_iteration(connection: Connection, project_id: str, iteration_id: str) -> Iteration:
    """Returns the project's iteration. Raises ProjectNotFound or IterationNotFound."""
    require_classification_type(connection, project_id)
    iteration = iterations.find(connection, project_id, iteration_id)
    if iteration is None:
        raise IterationNotFound(iteration_id)
    return iteration


def request_fingerprint(*content: object) -> str:
    """Returns a digest of what a request with a request id asks for, to know it again."""
    return hashlib.sha256(repr(content).encode("utf-8", "surrogatepass")).hexdigest()
