"""Opaque page tokens, bound to the filter they were made for."""

import base64
import hashlib
import json
import math
from dataclasses import dataclass

from customvision.common.errors import InvalidArgument

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000
# Ours are shorter; reading a long one could only cost us.
MAX_TOKEN_CHARACTERS = 200


class BadPageToken(InvalidArgument):
    """The token is not one of ours, or belongs to another filter."""

    reason = "PAGE_TOKEN_INVALID"


class BadPageSize(InvalidArgument):
    """The page size is negative."""

    reason = "PAGE_SIZE_INVALID"


class BadSkip(InvalidArgument):
    """The number of rows to pass over is negative."""

    reason = "SKIP_INVALID"


def page_size_of(requested: int) -> int:
    """Returns the rows to answer, 1 to 1,000. Raises BadPageSize where negative."""
    if requested < 0:
        raise BadPageSize(f"page_size is {requested}; it must be 0 (for 100) or more.", field="page_size")
    return min(requested or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


def checked_skip(skip: int) -> int:
    """Returns how many rows to pass over before the first page. Raises BadSkip where negative."""
    if skip < 0:
        raise BadSkip(f"skip is {skip}; it must be 0 or more.", field="skip")
    return skip


@dataclass(frozen=True)
class RankedPosition:
    """A place in a list that is in order of a rank, a finite number, and among equals in order of a sequence."""

    rank: float
    sequence: int


def encode_page_token(position: int, *filters: object) -> str:
    """Returns a token that continues after ``position`` in a list filtered by ``filters``."""
    return _encoded(position, filters)


def encode_ranked_page_token(position: RankedPosition, *filters: object) -> str:
    """Returns a token that continues after ``position`` in a list filtered by ``filters``."""
    return _encoded([position.rank, position.sequence], filters)


def decode_page_token(token: str, *filters: object) -> int | None:
    """Returns the position to continue after, or None for a first page. Raises BadPageToken."""
    return _sequence(_decoded(token, filters)) if token else None


def decode_ranked_page_token(token: str, *filters: object) -> RankedPosition | None:
    """Returns the position to continue after, or None for a first page. Raises BadPageToken."""
    if not token:
        return None
    match _decoded(token, filters):
        case [float(rank), sequence] if math.isfinite(rank):
            return RankedPosition(rank, _sequence(sequence))
    raise _not_ours()


def _encoded(position: object, filters: tuple[object, ...]) -> str:
    content = json.dumps([position, _fingerprint(filters)])
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def _decoded(token: str, filters: tuple[object, ...]) -> object:
    try:
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise ValueError("too long")
        position, fingerprint = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, TypeError) as error:
        raise _not_ours() from error
    if fingerprint != _fingerprint(filters):
        raise BadPageToken(
            "page_token belongs to a list with other filters; repeat the call with those, or start again without one.",
            field="page_token",
        )
    return position


def _sequence(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise _not_ours()
    return value


def _not_ours() -> BadPageToken:
    return BadPageToken("page_token is not one that this service gave; start again without one.", field="page_token")


def _fingerprint(filters: tuple[object, ...]) -> str:
    return hashlib.sha256(repr(filters).encode("utf-8", "surrogatepass")).hexdigest()[:12]
