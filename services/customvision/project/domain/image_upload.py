"""One image on its way in, and what became of it."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from customvision.common.errors import ServiceError
from customvision.common.url_fetching.errors import URL_ERRORS, UrlContentTooLarge
from customvision.project.domain.image import Image
from customvision.project.domain.image_metadata import MetadataInvalid
from customvision.project.domain.tag import NegativeBesideRegularTag, TagLimitReached, TagNotFound
from customvision.project.domain.text import MAX_FILE_NAME_CHARACTERS, checked_count, checked_text
from customvision.vision.decoding import ImageFormatUnknown, ImageHasTooManyPixels, ImageTooLarge

MAX_TAGS = 20
MAX_BATCH = 64
MAX_LISTED = 5000


class ImageCreateStatus(enum.Enum):
    """What became of one image of an upload."""

    OK = "ok"
    OK_DUPLICATE = "ok_duplicate"
    ERROR_FORMAT = "error_format"
    ERROR_SIZE = "error_size"
    ERROR_DIMENSIONS = "error_dimensions"
    ERROR_INVALID_TAG = "error_invalid_tag"
    ERROR_TAG_LIMIT = "error_tag_limit"
    ERROR_NEGATIVE_AND_REGULAR_TAG = "error_negative_and_regular_tag"
    ERROR_METADATA = "error_metadata"
    ERROR_SOURCE = "error_source"


_STATUS_OF_ERROR: dict[type[ServiceError], ImageCreateStatus] = {
    **dict.fromkeys(URL_ERRORS, ImageCreateStatus.ERROR_SOURCE),
    UrlContentTooLarge: ImageCreateStatus.ERROR_SIZE,
    ImageFormatUnknown: ImageCreateStatus.ERROR_FORMAT,
    ImageTooLarge: ImageCreateStatus.ERROR_SIZE,
    ImageHasTooManyPixels: ImageCreateStatus.ERROR_DIMENSIONS,
    TagNotFound: ImageCreateStatus.ERROR_INVALID_TAG,
    TagLimitReached: ImageCreateStatus.ERROR_TAG_LIMIT,
    NegativeBesideRegularTag: ImageCreateStatus.ERROR_NEGATIVE_AND_REGULAR_TAG,
    MetadataInvalid: ImageCreateStatus.ERROR_METADATA,
}
# What one image can be refused for; the others of its batch go on.
REFUSALS = tuple(_STATUS_OF_ERROR)


@dataclass(frozen=True)
class ImageUpload:
    """A file's bytes as they came, the tags to give it, its name for people, and metadata to keep with it."""

    data: bytes
    tag_ids: tuple[str, ...]
    file_name: str
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """About what it takes of memory while it waits: the file, and its metadata, which may be too much."""
        return len(self.data) + sum(len(key) + len(value) for key, value in self.metadata.items())

    def check(self, name: str) -> None:
        """Raises TextTooLong or TooManyItems, naming the field below ``name``."""
        checked_text(self.file_name, f"{name}.file_name", MAX_FILE_NAME_CHARACTERS)
        checked_count(self.tag_ids, MAX_TAGS, f"{name}.tag_ids")


@dataclass(frozen=True)
class ImageCreateResult:
    """What became of one image; ``image`` is None and ``message`` a sentence where it was refused."""

    index: int
    status: ImageCreateStatus
    file_name: str
    image: Image | None = None
    message: str = ""


def refusal(index: int, file_name: str, error: ServiceError) -> ImageCreateResult:
    """Returns the result of an image that one of REFUSALS was raised for."""
    status = next(status for kind, status in _STATUS_OF_ERROR.items() if isinstance(error, kind))
    return ImageCreateResult(index=index, status=status, file_name=file_name, message=error.message)


class UploadSummary:
    """Sums up an upload of any length in bounded memory: past 5,000 results, up to 5,000 more that are refusals."""

    def __init__(self) -> None:
        self.created_count = 0
        self.duplicate_count = 0
        self.failed_count = 0
        self.results: list[ImageCreateResult] = []

    @property
    def count(self) -> int:
        """The number of images summed up."""
        return self.created_count + self.duplicate_count + self.failed_count

    def add(self, result: ImageCreateResult) -> None:
        """Counts one result, and lists it while there is room."""
        refused = result.image is None
        room = MAX_LISTED if self.count < MAX_LISTED else 2 * MAX_LISTED * refused
        if len(self.results) < room:
            self.results.append(result)
        self.created_count += result.status is ImageCreateStatus.OK
        self.duplicate_count += result.status is ImageCreateStatus.OK_DUPLICATE
        self.failed_count += refused
