"""From the bytes of an upload to what is stored: validated, without metadata, with a thumbnail."""

import hashlib
import io
from dataclasses import dataclass

from PIL import Image as Picture

from customvision.project.domain.image import ImageContent
from customvision.project.domain.metadata_removal import without_metadata
from customvision.vision.decoding import open_upright

THUMBNAIL_SIDE = 256
THUMBNAIL_QUALITY = 85
THUMBNAIL_CONTENT_TYPE = "image/jpeg"


@dataclass(frozen=True)
class PreparedImage:
    """An image ready to be stored: what it is, the bytes to keep and the bytes of its thumbnail (JPEG)."""

    content: ImageContent
    data: bytes
    thumbnail: bytes


def prepare_image(source: bytes) -> PreparedImage:
    """Decodes all of ``source`` once and returns what to store. Takes milliseconds: call it on a worker thread.

    Raises ImageFormatUnknown, ImageTooLarge, ImageHasTooManyPixels.
    """
    # A JPEG decodes at a fraction of its size: enough to find damage and to make the thumbnail from.
    header, upright = open_upright(source, smallest_side=THUMBNAIL_SIDE)
    data, content_type = without_metadata(source, header, upright)
    thumbnail = _thumbnail(upright)
    content = ImageContent(
        width=header.width,
        height=header.height,
        content_type=content_type,
        size_bytes=len(data),
        source_sha256=hashlib.sha256(source).hexdigest(),
        content_sha256=hashlib.sha256(data).hexdigest(),
        thumbnail_sha256=hashlib.sha256(thumbnail).hexdigest(),
    )
    return PreparedImage(content=content, data=data, thumbnail=thumbnail)


def _thumbnail(upright: Picture.Image) -> bytes:
    upright.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Picture.Resampling.BILINEAR)
    buffer = io.BytesIO()
    # save() writes what info still holds, such as a JPEG comment.
    upright.info.clear()
    upright.save(buffer, "JPEG", quality=THUMBNAIL_QUALITY)
    return buffer.getvalue()
