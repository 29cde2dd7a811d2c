"""How queries that go on page by page name themselves."""

import hashlib

from google.protobuf.message import Message

from customvision.gateway.api_errors import ApiError

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 256


def page_size(max_count: int | None, code: str) -> int:
    """Returns the rows to answer; 0 and null leave it to us. Raises ApiError with ``code`` where negative."""
    if (max_count or 0) < 0:
        raise ApiError(code, f"'maxCount' is {max_count}; it can be 0 or more.")
    return min(max_count or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


def session_of(query: Message) -> str:
    """Returns a name for ``query``, the same for the same query; its page token alone says where it goes on."""
    return hashlib.sha256(query.SerializeToString(deterministic=True)).hexdigest()[:16]
