"""Changes the metadata of images of the current data set."""

from collections.abc import Sequence

from customvision.common.database import Connection
from customvision.project.domain.image import Image
from customvision.project.domain.image_metadata import ImageMetadataResult, ImageMetadataStatus, Metadata, changed
from customvision.project.store import image_metadata, images
from customvision.project.use_cases.lookups import require_whole


def change_metadata(
    connection: Connection, project_id: str, image_ids: Sequence[str], changes: Metadata
) -> list[ImageMetadataResult]:
    """Sets the pairs of ``changes`` on each image that has room for them, "" removing a key; one result each, in order.

    Raises ProjectNotFound, ProjectImporting, ProjectImportFailed.
    """
    require_whole(connection, project_id)
    found = {image.image_id: image for image in images.find_several(connection, project_id, image_ids) if image.current}
    results = {image_id: _result(image_id, found.get(image_id), changes) for image_id in image_ids}
    fitting = [
        image.sequence for image_id, image in found.items() if results[image_id].status is ImageMetadataStatus.OK
    ]
    image_metadata.remove_keys(connection, fitting, [key for key, value in changes.items() if not value])
    pairs = {key: value for key, value in changes.items() if value}
    image_metadata.set_pairs(connection, project_id, fitting, pairs)
    return [results[image_id] for image_id in image_ids]


def _result(image_id: str, image: Image | None, changes: Metadata) -> ImageMetadataResult:
    if image is None:
        return ImageMetadataResult(image_id, ImageMetadataStatus.ERROR_IMAGE_NOT_FOUND, {})
    together = changed(image.metadata, changes)
    if together is None:
        return ImageMetadataResult(image_id, ImageMetadataStatus.ERROR_LIMIT, image.metadata)
    return ImageMetadataResult(image_id, ImageMetadataStatus.OK, together)
