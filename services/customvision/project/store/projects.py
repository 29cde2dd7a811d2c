"""Projects in SQL. One that was deleted is gone for every call here, though what it held may not be erased yet."""

import json
from collections.abc import Sequence
from datetime import datetime

from customvision.common.database import Connection
from customvision.project.domain.project import ClassificationType, Project, ProjectStatus
from customvision.project.store.columns import Row, to_list, to_time

_SELECT = """
SELECT p.*,
    (SELECT count(*) FROM images i WHERE i.project_id = p.project_id AND i.current = 1) AS image_count,
    (SELECT count(*) FROM tags t WHERE t.project_id = p.project_id) AS tag_count,
    (SELECT i.image_id FROM images i WHERE i.project_id = p.project_id AND i.current = 1
        ORDER BY i.sequence DESC LIMIT 1) AS thumbnail_image_id
FROM projects p
WHERE p.deleted = 0
"""

# Each takes a project's id and how many rows to erase at most: those that there can be very many of.
_ERASE_FROZEN_IMAGES = (
    "DELETE FROM iteration_images WHERE (iteration, image, tag) IN (SELECT ii.iteration, ii.image, ii.tag"
    " FROM iterations i JOIN iteration_images ii ON ii.iteration = i.sequence WHERE i.project_id = ? LIMIT ?)"
)
# A tenth of the rows, as the tags of each go with it.
_ERASE_SUGGESTIONS = (
    "DELETE FROM suggestions WHERE rowid IN (SELECT s.rowid FROM iterations i"
    " JOIN suggestions s ON s.iteration = i.sequence WHERE i.project_id = ? LIMIT max(? / 10, 1))"
)
_ERASE_PREDICTIONS = (
    "DELETE FROM stored_predictions WHERE sequence IN"
    " (SELECT sequence FROM stored_predictions WHERE project_id = ? LIMIT max(? / 10, 1))"
)
_ERASE_IMAGES = "DELETE FROM images WHERE sequence IN (SELECT sequence FROM images WHERE project_id = ? LIMIT ?)"
_ERASE_SLICE = (_ERASE_FROZEN_IMAGES, _ERASE_SUGGESTIONS, _ERASE_PREDICTIONS, _ERASE_IMAGES)


def find(connection: Connection, project_id: str) -> Project | None:
    """Returns the project with its counts, or None."""
    row = next(iter(connection.query(f"{_SELECT} AND p.project_id = ?", [project_id])), None)
    return None if row is None else _project(row)


def find_request(connection: Connection, request_id: str) -> tuple[str, str] | None:
    """Returns id and request fingerprint of the project that the request made, or None."""
    found: tuple[str, str] | None = connection.execute(
        "SELECT project_id, request_fingerprint FROM projects WHERE request_id = ?", [request_id]
    ).fetchone()
    return found


def classification_type(connection: Connection, project_id: str) -> ClassificationType | None:
    """Returns the project's type, or None where there is no such project; cheaper than find."""
    row = connection.execute(
        "SELECT classification_type FROM projects WHERE project_id = ? AND deleted = 0", [project_id]
    ).fetchone()
    return None if row is None else ClassificationType(row[0])


def domain_id(connection: Connection, project_id: str) -> str | None:
    """Returns the id of the project's domain, or None where there is no such project; cheaper than find."""
    row = connection.execute(
        "SELECT domain_id FROM projects WHERE project_id = ? AND deleted = 0", [project_id]
    ).fetchone()
    return None if row is None else str(row[0])


def status(connection: Connection, project_id: str) -> ProjectStatus | None:
    """Returns whether the project is whole, or None where there is no such project; cheaper than find."""
    row = connection.execute(
        "SELECT status FROM projects WHERE project_id = ? AND deleted = 0", [project_id]
    ).fetchone()
    return None if row is None else ProjectStatus(row[0])


def insert(
    connection: Connection,
    *,
    project_id: str,
    name: str,
    description: str,
    classification_type: ClassificationType,
    domain_id: str,
    target_export_platforms: Sequence[str],
    create_time: datetime,
    request_id: str | None,
    request_fingerprint: str,
) -> None:
    """Adds a project."""
    connection.execute(
        "INSERT INTO projects (project_id, name, description, classification_type, create_time, update_time,"
        " domain_id, target_export_platforms, request_id, request_fingerprint) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            project_id,
            name,
            description,
            classification_type.value,
            create_time.isoformat(),
            create_time.isoformat(),
            domain_id,
            to_list(target_export_platforms),
            request_id,
            request_fingerprint,
        ],
    )


def page(connection: Connection, *, name: str, after: int | None, limit: int) -> list[Project]:
    """Returns projects in order of creation after the sequence ``after``; ``name`` "" means any."""
    rows = connection.query(
        f"{_SELECT} AND p.sequence > :after AND p.name = :name ORDER BY p.sequence LIMIT :limit"
        if name
        else f"{_SELECT} AND p.sequence > :after ORDER BY p.sequence LIMIT :limit",
        {"after": after or 0, "name": name, "limit": limit},
    )
    return [_project(row) for row in rows]


def update(connection: Connection, project: Project) -> None:
    """Writes the fields that a user can change, and the time of the change."""
    connection.execute(
        "UPDATE projects SET name = ?, description = ?, classification_type = ?, domain_id = ?,"
        " target_export_platforms = ?, update_time = ? WHERE project_id = ?",
        [
            project.name,
            project.description,
            project.classification_type.value,
            project.domain_id,
            to_list(project.target_export_platforms),
            project.update_time.isoformat(),
            project.project_id,
        ],
    )


def next_iteration_number(connection: Connection, project_id: str) -> int:
    """Counts the project's iterations up by one and returns the new number."""
    row = connection.execute(
        "UPDATE projects SET iteration_counter = iteration_counter + 1 WHERE project_id = ?"
        " RETURNING iteration_counter",
        [project_id],
    ).fetchall()
    number: int = row[0][0]
    return number


def delete(connection: Connection, project_id: str) -> None:
    """Makes a project gone for everybody at once, however much it holds; ``erase_deleted`` does the rest."""
    connection.execute("UPDATE projects SET deleted = 1, request_id = NULL WHERE project_id = ?", [project_id])
    # Who sends the request again must get a new project, tag or iteration.
    connection.execute("UPDATE tags SET request_id = NULL WHERE project_id = ?", [project_id])
    connection.execute("UPDATE iterations SET request_id = NULL WHERE project_id = ?", [project_id])


def erase_deleted(connection: Connection, limit: int) -> bool:
    """Erases at most about ``limit`` rows of a deleted project; returns False once there is nothing more to erase."""
    row = connection.execute("SELECT project_id FROM projects WHERE deleted = 1 LIMIT 1").fetchone()
    if row is None:
        return False
    if not any(connection.execute(statement, [row[0], limit]).rowcount for statement in _ERASE_SLICE):
        connection.execute("DELETE FROM projects WHERE project_id = ?", [row[0]])
    return True


def _project(row: Row) -> Project:
    return Project(
        sequence=row["sequence"],
        project_id=row["project_id"],
        name=row["name"],
        description=row["description"],
        classification_type=ClassificationType(row["classification_type"]),
        create_time=to_time(row["create_time"]),
        update_time=to_time(row["update_time"]),
        image_count=row["image_count"],
        tag_count=row["tag_count"],
        domain_id=row["domain_id"],
        target_export_platforms=tuple(json.loads(row["target_export_platforms"])),
        status=ProjectStatus(row["status"]),
        thumbnail_image_id=row["thumbnail_image_id"] or "",
    )
