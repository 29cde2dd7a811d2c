"""How values stand in columns: times as ISO text in UTC, lists as JSON, images' content as seven columns."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from customvision.project.domain.image import ImageContent

Row = dict[str, Any]


def now() -> datetime:
    """Returns the present time, in UTC."""
    return datetime.now(UTC)


def to_time(text: str) -> datetime:
    """Reads a time as ``datetime.isoformat`` wrote it."""
    return datetime.fromisoformat(text)


def to_list(values: Iterable[object]) -> str:
    """Returns ``values`` as a JSON list, for json_each: one parameter however many there are."""
    return json.dumps(list(values))


def to_content(row: Row) -> ImageContent:
    """Reads the columns of an image's content."""
    return ImageContent(
        width=row["width"],
        height=row["height"],
        content_type=row["content_type"],
        size_bytes=row["size_bytes"],
        source_sha256=row["source_sha256"],
        content_sha256=row["content_sha256"],
        thumbnail_sha256=row["thumbnail_sha256"],
    )
