"""The pairs of text that users keep with an image, and how much of it one image may have."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from customvision.common.errors import InvalidArgument
from customvision.project.domain.text import shortened

Metadata = Mapping[str, str]
NO_METADATA: Metadata = MappingProxyType({})

MAX_PAIRS = 10
MAX_KEY_CHARACTERS = 128
MAX_VALUE_CHARACTERS = 256


class ImageMetadataStatus(enum.Enum):
    """What became of a change of the metadata of one image."""

    OK = "ok"
    ERROR_IMAGE_NOT_FOUND = "error_image_not_found"
    ERROR_LIMIT = "error_limit"


@dataclass(frozen=True)
class ImageMetadataResult:
    """What became of the metadata of one image; ``metadata`` is what it has now, empty where there is no such image."""

    image_id: str
    status: ImageMetadataStatus
    metadata: Metadata


class MetadataInvalid(InvalidArgument):
    """There are too many pairs, or a key or value is too short or too long."""

    reason = "METADATA_INVALID"


def check_metadata(metadata: Metadata) -> None:
    """Raises MetadataInvalid unless there are at most 10 pairs, keys of 1 to 128 characters, values of at most 256."""
    if len(metadata) > MAX_PAIRS:
        raise MetadataInvalid(
            f"The metadata has {len(metadata):,} pairs; an image has at most {MAX_PAIRS}. Leave some out.",
            metadata={"pairs": str(len(metadata)), "max_pairs": str(MAX_PAIRS)},
            field="metadata",
        )
    for key, value in metadata.items():
        if not 1 <= len(key) <= MAX_KEY_CHARACTERS:
            raise MetadataInvalid(
                f"A key of the metadata has {len(key):,} characters; give 1 to {MAX_KEY_CHARACTERS}.",
                metadata={"characters": str(len(key)), "max_characters": str(MAX_KEY_CHARACTERS)},
                field="metadata",
            )
        if len(value) > MAX_VALUE_CHARACTERS:
            raise MetadataInvalid(
                f"The metadata's value of '{shortened(key)}' has {len(value):,} characters; at most "
                f"{MAX_VALUE_CHARACTERS} are allowed. Shorten it.",
                metadata={"characters": str(len(value)), "max_characters": str(MAX_VALUE_CHARACTERS)},
                field="metadata",
            )


def news_for(present: Metadata, offered: Metadata) -> dict[str, str]:
    """Returns the pairs of ``offered`` that an image with the metadata ``present`` gains.

    Those are the new keys, in order of the alphabet while there is room.
    """
    new = [key for key in sorted(offered) if key not in present]
    return {key: offered[key] for key in new[: MAX_PAIRS - len(present)]}


def changed(present: Metadata, changes: Metadata) -> dict[str, str] | None:
    """Returns ``present`` with the pairs of ``changes`` set, "" removing its key; None where that is too many pairs."""
    together = {key: value for key, value in {**present, **changes}.items() if value or key not in changes}
    return together if len(together) <= MAX_PAIRS else None
