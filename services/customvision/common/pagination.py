"""Opaque page tokens, bound to the filter they were made for."""

import base64
import hashlib
import json

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


def encode_page_token(position: int, *filters: object) -> str:
    """Returns a token that continues after ``position`` in a list filtered by ``filters``."""
    content = json.dumps([position, _fingerprint(filters)])
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def decode_page_token(token: str, *filters: object) -> int | None:
    """Returns the position to continue after, or None for a first page. Raises BadPageToken."""
    if not token:
        return None
    try:
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise ValueError("too long")
        position, fingerprint = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, TypeError):
        position, fingerprint = None, None
    if not isinstance(position, int) or isinstance(position, bool) or not 0 <= position < 2**63:
        raise BadPageToken("page_token is not one that this service gave; start again without one.", field="page_token")
    if fingerprint != _fingerprint(filters):
        raise BadPageToken(
            "page_token belongs to a list with other filters; repeat the call with those, or start again without one.",
            field="page_token",
        )
    return position


def _fingerprint(filters: tuple[object, ...]) -> str:
    return hashlib.sha256(repr(filters).encode("utf-8", "surrogatepass")).hexdigest()[:12]
