"""What text and ids from a caller must look like. Names are data: kept verbatim, never changed to fit."""

import re
import unicodedata
import uuid
from collections.abc import Sized

from customvision.common.errors import InvalidArgument

MAX_NAME_CHARACTERS = 128
MAX_DESCRIPTION_CHARACTERS = 1024
MAX_FILE_NAME_CHARACTERS = 255
# What who gives too many entries can do: where the call can be repeated with the rest, and where it cannot.
SEVERAL_CALLS, FEWER = "Split them over several calls.", "Give fewer."
_SHOWN_CHARACTERS = 80
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SHA256 = re.compile(r"[0-9a-f]{64}")


class NameInvalid(InvalidArgument):
    """A name is empty, blank, too long, or holds characters that cannot be shown."""

    reason = "NAME_INVALID"


class TextTooLong(InvalidArgument):
    """A free text is longer than its field allows."""

    reason = "TEXT_TOO_LONG"


class RequestIdInvalid(InvalidArgument):
    """A request id is not a UUID."""

    reason = "REQUEST_ID_INVALID"


class DigestInvalid(InvalidArgument):
    """A digest is not 64 hex digits."""

    reason = "DIGEST_INVALID"


class TooManyItems(InvalidArgument):
    """A repeated field has more entries than one call may carry."""

    reason = "TOO_MANY_ITEMS"


class NothingGiven(InvalidArgument):
    """A repeated field that must have entries has none."""

    reason = "NOTHING_GIVEN"


def new_id() -> str:
    """Returns a fresh UUID4."""
    return str(uuid.uuid4())


def shortened(text: str) -> str:
    """Returns ``text`` cut to a length that fits a sentence."""
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def checked_name(name: str, field: str, max_characters: int = MAX_NAME_CHARACTERS) -> str:
    """Returns ``name`` as it is. Raises NameInvalid unless it has 1 to 128 characters, not all blank, no control.

    ``max_characters`` is the limit of names that may be less long.
    """
    if not name or name.isspace():
        raise NameInvalid(f"{field} is empty; give 1 to {max_characters} characters.", field=field)
    if len(name) > max_characters:
        raise NameInvalid(
            f"{field} has {len(name):,} characters; at most {max_characters} are allowed. Shorten it.",
            metadata={"characters": str(len(name)), "max_characters": str(max_characters)},
            field=field,
        )
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise NameInvalid(f"{field} holds a control character, such as a line break; leave it out.", field=field)
    return name


def checked_text(text: str, field: str, max_characters: int = MAX_DESCRIPTION_CHARACTERS) -> str:
    """Returns ``text`` as it is. Raises TextTooLong."""
    if len(text) > max_characters:
        raise TextTooLong(
            f"{field} has {len(text):,} characters; at most {max_characters:,} are allowed. Shorten it.",
            metadata={"characters": str(len(text)), "max_characters": str(max_characters)},
            field=field,
        )
    return text


def is_uuid(text: str) -> bool:
    """Tells whether ``text`` is a UUID as we write it: 36 characters, four hyphens."""
    return _UUID.fullmatch(text) is not None


def checked_request_id(request_id: str, field: str = "request_id") -> str | None:
    """Returns the request id in lower case, or None where none was given. Raises RequestIdInvalid."""
    if not request_id:
        return None
    if not is_uuid(request_id):
        raise RequestIdInvalid(
            f"{field} must be a UUID such as 5f6dcfd5-c3d5-4c5c-9a7e-0d9d3f5a8b1c, or left out.", field=field
        )
    return request_id.lower()


def checked_sha256(digest: str, field: str) -> str:
    """Returns the digest in lower case. Raises DigestInvalid unless it is 64 hex digits."""
    if _SHA256.fullmatch(digest.lower()) is None:
        raise DigestInvalid(f"{field} must be a SHA-256 of 64 hex digits.", field=field)
    return digest.lower()


def checked_count(items: Sized, most: int, field: str, *, advice: str = SEVERAL_CALLS) -> None:
    """Raises TooManyItems, with a sentence of ``advice``, where ``items`` has more than ``most`` entries."""
    if len(items) > most:
        raise TooManyItems(
            f"{field} has {len(items):,} entries; one call takes at most {most:,}. {advice}",
            metadata={"count": str(len(items)), "max_count": str(most)},
            field=field,
        )


def checked_some(items: Sized, most: int, field: str) -> None:
    """Raises NothingGiven where ``items`` is empty and TooManyItems where it has more than ``most`` entries."""
    if not items:
        raise NothingGiven(f"{field} is empty; give at least one entry.", field=field)
    checked_count(items, most, field)
