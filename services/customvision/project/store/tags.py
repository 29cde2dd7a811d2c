"""Tags in SQL."""

from collections.abc import Iterable
from datetime import datetime

from customvision.common.database import Connection
from customvision.project.domain.tag import Tag, TagType
from customvision.project.store.columns import Row, to_list, to_time

_SELECT = "SELECT t.*, (SELECT count(*) FROM image_tags WHERE tag = t.sequence) AS image_count FROM tags t"


def find(connection: Connection, project_id: str, tag_id: str) -> Tag | None:
    """Returns the project's tag with its count, or None."""
    rows = connection.query(f"{_SELECT} WHERE t.tag_id = ? AND t.project_id = ?", [tag_id, project_id])
    return next((to_tag(row) for row in rows), None)


def find_request(connection: Connection, request_id: str) -> tuple[str, str, str] | None:
    """Returns project id, tag id and request fingerprint of the tag that the request made, or None."""
    found: tuple[str, str, str] | None = connection.execute(
        "SELECT project_id, tag_id, request_fingerprint FROM tags WHERE request_id = ?", [request_id]
    ).fetchone()
    return found


def find_named(connection: Connection, project_id: str, name: str) -> Tag | None:
    """Returns the project's tag of exactly that name, or None."""
    rows = connection.query(f"{_SELECT} WHERE t.project_id = ? AND t.name = ?", [project_id, name])
    return next((to_tag(row) for row in rows), None)


def find_negative(connection: Connection, project_id: str) -> Tag | None:
    """Returns the project's negative tag, or None."""
    rows = connection.query(f"{_SELECT} WHERE t.project_id = ? AND t.type = 'negative'", [project_id])
    return next((to_tag(row) for row in rows), None)


def find_several(connection: Connection, project_id: str, tag_ids: Iterable[str]) -> dict[str, Tag]:
    """Returns those of the tags that the project has, by id. Their image_count is left at 0."""
    rows = connection.query(
        "SELECT t.*, 0 AS image_count FROM tags t"
        " WHERE t.project_id = ? AND t.tag_id IN (SELECT value FROM json_each(?))",
        [project_id, to_list(tag_ids)],
    )
    return {row["tag_id"]: to_tag(row) for row in rows}


def all_of(connection: Connection, project_id: str) -> list[Tag]:
    """Returns every tag of the project with its count, in order of creation."""
    rows = connection.query(f"{_SELECT} WHERE t.project_id = ? ORDER BY t.sequence", [project_id])
    return [to_tag(row) for row in rows]


def page(connection: Connection, project_id: str, *, after: int | None, limit: int) -> list[Tag]:
    """Returns tags in order of creation after the sequence ``after``."""
    rows = connection.query(
        f"{_SELECT} WHERE t.project_id = ? AND t.sequence > ? ORDER BY t.sequence LIMIT ?",
        [project_id, after or 0, limit],
    )
    return [to_tag(row) for row in rows]


def insert(
    connection: Connection,
    *,
    tag_id: str,
    project_id: str,
    name: str,
    description: str,
    type: TagType,  # noqa: A002 - the field's name
    create_time: datetime,
    request_id: str | None,
    request_fingerprint: str,
) -> None:
    """Adds a tag."""
    connection.execute(
        "INSERT INTO tags (tag_id, project_id, name, description, type, create_time, request_id, request_fingerprint)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [tag_id, project_id, name, description, type.value, create_time.isoformat(), request_id, request_fingerprint],
    )


def update(connection: Connection, tag: Tag) -> None:
    """Writes the fields that a user can change."""
    connection.execute(
        "UPDATE tags SET name = ?, description = ?, type = ? WHERE sequence = ?",
        [tag.name, tag.description, tag.type.value, tag.sequence],
    )


def delete(connection: Connection, tag: Tag) -> None:
    """Removes a tag, also from its images."""
    connection.execute("DELETE FROM tags WHERE sequence = ?", [tag.sequence])


def companion(connection: Connection, tag: Tag) -> Tag | None:
    """Returns a tag that stands beside ``tag`` on some image, or None."""
    rows = connection.query(
        f"{_SELECT} WHERE t.sequence = (SELECT other.tag FROM image_tags own"  # noqa: S608 - no user text in it
        " JOIN image_tags other ON other.image = own.image AND other.tag <> own.tag WHERE own.tag = ? LIMIT 1)",
        [tag.sequence],
    )
    return next((to_tag(row) for row in rows), None)


def to_tag(row: Row) -> Tag:
    """Reads a row of tags with its image_count."""
    return Tag(
        sequence=row["sequence"],
        tag_id=row["tag_id"],
        project_id=row["project_id"],
        name=row["name"],
        description=row["description"],
        type=TagType(row["type"]),
        image_count=row["image_count"],
        create_time=to_time(row["create_time"]),
    )
