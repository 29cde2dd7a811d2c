"""Reads the stored bytes of an image, whole or as a thumbnail."""

from dataclasses import dataclass

import structlog

from customvision.project.domain.image import ImageContent, ImageVariant
from customvision.project.domain.image_preparation import THUMBNAIL_CONTENT_TYPE
from customvision.project.store.blobs import BlobMissing, BlobStore

log = structlog.get_logger()


@dataclass(frozen=True)
class ImageFile:
    """An image's bytes and what they are, such as image/jpeg."""

    content_type: str
    data: bytes


async def read_image_file(
    blobs: BlobStore, content: ImageContent, variant: ImageVariant = ImageVariant.FULL
) -> ImageFile | None:
    """Returns the bytes of a variant, or None, and logs it, where their file is lost or damaged."""
    if variant is ImageVariant.THUMBNAIL:
        sha256, content_type = content.thumbnail_sha256, THUMBNAIL_CONTENT_TYPE
    else:
        sha256, content_type = content.content_sha256, content.content_type
    try:
        return ImageFile(content_type, await blobs.read(sha256))
    except BlobMissing:
        log.error("an image's file is lost or damaged", sha256=sha256)
        return None
