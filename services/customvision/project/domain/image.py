"""An image of a project, and how lists of images are selected."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from customvision.common.errors import InvalidArgument, NotFound
from customvision.project.domain.metadata_filter import MetadataFilter
from customvision.project.domain.text import shortened


class ImageVariant(enum.Enum):
    """Which rendering of an image to read."""

    FULL = "full"
    THUMBNAIL = "thumbnail"


class TaggingStatus(enum.Enum):
    """Selects images by whether they carry a tag."""

    ALL = "all"
    TAGGED = "tagged"
    UNTAGGED = "untagged"


class ImageOrder(enum.Enum):
    """The order of a list of images by time of creation."""

    OLDEST_FIRST = "oldest_first"
    NEWEST_FIRST = "newest_first"


@dataclass(frozen=True)
class ImageContent:
    """What the stored bytes of an image are; sizes in pixels as seen upright, digests are SHA-256."""

    width: int
    height: int
    content_type: str
    size_bytes: int
    source_sha256: str
    content_sha256: str
    thumbnail_sha256: str

    @property
    def blobs(self) -> tuple[str, str]:
        """The digests of its files: the image and its thumbnail."""
        return self.content_sha256, self.thumbnail_sha256


@dataclass(frozen=True)
class ImageTag:
    """A tag on an image; ``create_time`` is when the image got it."""

    tag_id: str
    tag_name: str
    create_time: datetime


@dataclass(frozen=True)
class Image:
    """An image's record; ``sequence`` is its place in the order of creation.

    ``current`` is false once it was deleted and only past iterations hold it.
    """

    sequence: int
    image_id: str
    project_id: str
    tags: tuple[ImageTag, ...]
    metadata: Mapping[str, str]
    file_name: str
    content: ImageContent
    current: bool
    create_time: datetime

    @property
    def tag_ids(self) -> tuple[str, ...]:
        """The ids of its tags."""
        return tuple(tag.tag_id for tag in self.tags)


@dataclass(frozen=True)
class ImageFilter:
    """Selects images of a project: ``tag_ids`` any of these, ``iteration_id`` those it was trained on ("" for none).

    ``image_ids``, where not empty, are the only ones. ``skip`` images in the given order are passed over first.
    """

    project_id: str
    tag_ids: tuple[str, ...] = ()
    tagging_status: TaggingStatus = TaggingStatus.ALL
    iteration_id: str = ""
    metadata: MetadataFilter | None = None
    image_ids: tuple[str, ...] = ()
    order: ImageOrder = ImageOrder.OLDEST_FIRST
    skip: int = 0


class ImageNotFound(NotFound):
    """The project has no such image."""

    reason = "IMAGE_NOT_FOUND"

    def __init__(self, image_id: str) -> None:
        super().__init__(
            f"The project has no image with id '{shortened(image_id)}'; ListImages shows those there are.",
            metadata={"image_id": image_id},
        )


class ImageIdsNotAllowed(InvalidArgument):
    """A call names images beside asking for all."""

    reason = "IMAGE_IDS_NOT_ALLOWED"

    def __init__(self) -> None:
        super().__init__(
            "image_ids must be empty where all_images is set; leave out one of them.",
            field="image_ids",
        )


class ImageFileLost(NotFound):
    """The record is there, the file is not, or it is damaged."""

    reason = "IMAGE_FILE_LOST"

    def __init__(self, image_id: str) -> None:
        super().__init__(
            "The image's file is lost or damaged; upload the photo again, or restore the data folder from a backup.",
            metadata={"image_id": image_id},
        )
