"""Images in JSON."""

from typing import Any
from uuid import UUID

from pydantic import RootModel

from customvision.gateway.rest.models.base import ApiModel, Time


class ImageTag(ApiModel):
    """A tag on an image, and since when."""

    tag_id: UUID
    tag_name: str | None
    created: Time


class Image(ApiModel):
    """An image. ``tags`` and ``metadata`` are absent where it has none; the links open without a key for a day."""

    id: UUID
    created: Time
    width: int
    height: int
    resized_image_uri: str
    thumbnail_uri: str
    original_image_uri: str
    tags: list[ImageTag] | None = None
    metadata: dict[str, str] | None = None


class ImageCreateResult(ApiModel):
    """What became of one image of a batch; ``image`` is absent and ``message`` a sentence where it was refused."""

    source_url: str | None = None
    status: str
    image: Image | None = None
    message: str | None = None


class ImageCreateSummary(ApiModel):
    """What became of a batch, in order of the request; successful only where every image is new."""

    is_batch_successful: bool
    images: list[ImageCreateResult]


class _CreateEntry(ApiModel):
    tag_ids: list[UUID] | None = None
    # Of object detection; any are refused.
    regions: list[Any] | None = None


class _CreateBatch(ApiModel):
    tag_ids: list[UUID] | None = None
    metadata: dict[str, str] | None = None


class ImageFileCreateEntry(_CreateEntry):
    """A file: ``contents`` in base64."""

    name: str | None = None
    contents: str


class ImageFileCreateBatch(_CreateBatch):
    """Files to make images of."""

    images: list[ImageFileCreateEntry]


class ImageUrlCreateEntry(_CreateEntry):
    """A file to fetch."""

    url: str


class ImageUrlCreateBatch(_CreateBatch):
    """Files to fetch and to make images of."""

    images: list[ImageUrlCreateEntry]


class ImageIdCreateEntry(_CreateEntry):
    """A stored prediction."""

    id: UUID


class ImageIdCreateBatch(_CreateBatch):
    """Stored predictions to make images of."""

    images: list[ImageIdCreateEntry]


class ImageTagCreateEntry(ApiModel):
    """One tag for one image."""

    image_id: UUID
    tag_id: UUID


class ImageTagCreateBatch(ApiModel):
    """Tags to give to images, pair by pair."""

    tags: list[ImageTagCreateEntry]


class ImageTagCreateSummary(ApiModel):
    """Which pairs are new, which there were, and which the images cannot carry."""

    created: list[ImageTagCreateEntry]
    duplicated: list[ImageTagCreateEntry]
    exceeded: list[ImageTagCreateEntry]


class Metadata(RootModel[dict[str, str | None]]):
    """Pairs to set; null or an empty text takes a pair away."""


class ImageMetadataUpdateEntry(ApiModel):
    """What became of the metadata of one image, and what they are now."""

    image_id: UUID
    status: str
    metadata: dict[str, str]


class ImageMetadataUpdateSummary(ApiModel):
    """What became of a change of metadata, in order of the request."""

    is_batch_successful: bool
    images: list[ImageMetadataUpdateEntry]
