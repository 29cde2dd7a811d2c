"""A user's test set on its way in: each image checked as it comes, and put on disk rather than into memory."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from customvision.common.errors import InvalidArgument
from customvision.training.full_disk import full_disk_told

MAX_IMAGES = 10_000
MAX_IMAGE_BYTES = 6 * 1024 * 1024
MAX_ID_CHARACTERS = 1024
MAX_NAMED_TAGS = 10


class TestSetEmpty(InvalidArgument):
    """A test set without images."""

    reason = "TEST_SET_EMPTY"


class TestSetTooLarge(InvalidArgument):
    """More images than one call may send."""

    reason = "TOO_MANY_ITEMS"


class TestImageIdInvalid(InvalidArgument):
    """The id of a test image is empty, or too long."""

    reason = "IMAGE_ID_INVALID"


class TestImageIdRepeated(InvalidArgument):
    """Two images of a test set have the same id."""

    reason = "IMAGE_ID_REPEATED"


class TestImageTooLarge(InvalidArgument):
    """A test image has too many bytes."""

    reason = "IMAGE_SIZE_INVALID"


class TagNameUnknown(InvalidArgument):
    """A test image names a tag that the iteration does not know."""

    reason = "TAG_NAME_UNKNOWN"


class TagCountInvalid(InvalidArgument):
    """A test image for a multiclass iteration names no tag, or several."""

    reason = "TAG_COUNT_INVALID"


@dataclass(frozen=True)
class KnownTags:
    """The tags of an iteration, in the order of its answers, and whether an image may carry several."""

    tag_ids: tuple[str, ...]
    tag_names: tuple[str, ...]
    multilabel: bool


@dataclass(frozen=True)
class SentImage:
    """An image of a test set as it was sent."""

    image_id: str
    data: bytes
    tag_names: Sequence[str]


class Spool:
    """The images so far: files in ``folder``, in memory their ``image_ids`` and ``tags``, positions of true tags."""

    def __init__(self, folder: Path, known: KnownTags) -> None:
        self.folder = folder
        self.known = known
        self.image_ids: list[str] = []
        self.tags: list[tuple[int, ...]] = []
        self._seen: set[str] = set()

    async def add(self, image: SentImage) -> None:
        """Checks an image and writes its file. Raises a kind of InvalidArgument, and StorageFull."""
        self._check_id(image.image_id)
        if len(self.image_ids) == MAX_IMAGES:
            raise TestSetTooLarge(f"The test set has more than {MAX_IMAGES:,} images; send a part of it.")
        if len(image.data) > MAX_IMAGE_BYTES:
            raise TestImageTooLarge(
                f"Image '{image.image_id}' has {len(image.data):,} bytes; at most {MAX_IMAGE_BYTES:,} (6 MiB) are "
                "accepted. Save it smaller.",
                metadata={"image_id": image.image_id, "size_bytes": str(len(image.data))},
                field="image.data",
            )
        tags = self._tags_of(image)
        with full_disk_told():
            await asyncio.to_thread(spooled_file(self.folder, len(self.image_ids)).write_bytes, image.data)
        self._seen.add(image.image_id)
        self.image_ids.append(image.image_id)
        self.tags.append(tags)

    def check_complete(self) -> None:
        """Raises TestSetEmpty where no image came."""
        if not self.image_ids:
            raise TestSetEmpty("The test set has no images; send at least one after the header.")

    def _check_id(self, image_id: str) -> None:
        if not 0 < len(image_id) <= MAX_ID_CHARACTERS:
            raise TestImageIdInvalid(
                f"The image_id of image {len(self.image_ids) + 1} has {len(image_id):,} characters; give each image an "
                f"id of 1 to {MAX_ID_CHARACTERS:,}, such as its file name.",
                field="image.image_id",
            )
        if image_id in self._seen:
            raise TestImageIdRepeated(
                f"Two images have the id '{image_id}'; give each an id of its own.",
                metadata={"image_id": image_id},
                field="image.image_id",
            )

    def _tags_of(self, image: SentImage) -> tuple[int, ...]:
        names = set(image.tag_names)
        for name in sorted(names - set(self.known.tag_names)):
            raise TagNameUnknown(
                f"Image '{image.image_id}' has the tag '{name}', which the iteration does not know. "
                f"It knows {self._named_tags()}.",
                metadata={"image_id": image.image_id, "tag_name": name},
                field="image.tag_names",
            )
        if not self.known.multilabel and len(names) != 1:
            raise TagCountInvalid(
                f"Image '{image.image_id}' has {len(names)} tags; in a multiclass project each image has exactly one.",
                metadata={"image_id": image.image_id, "tag_count": str(len(names))},
                field="image.tag_names",
            )
        return tuple(sorted(self.known.tag_names.index(name) for name in names))

    def _named_tags(self) -> str:
        names = self.known.tag_names
        more = f" and {len(names) - MAX_NAMED_TAGS} more" if len(names) > MAX_NAMED_TAGS else ""
        return ", ".join(f"'{name}'" for name in names[:MAX_NAMED_TAGS]) + more


def spooled_file(folder: Path, number: int) -> Path:
    """Returns the file of the image of that number, counted from 0."""
    return folder / f"{number:05}"
