"""Projects in SQL."""

from datetime import datetime

from customvision.common.database import Connection
from customvision.project.domain.project import ClassificationType, Project
from customvision.project.store.columns import Row, to_time

_SELECT = """
SELECT p.*,
    (SELECT count(*) FROM images i WHERE i.project_id = p.project_id AND i.current = 1) AS image_count,
    (SELECT count(*) FROM tags t WHERE t.project_id = p.project_id) AS tag_count
FROM projects p
"""


def find(connection: Connection, project_id: str) -> Project | None:
    """Returns the project with its counts, or None."""
    row = next(iter(connection.query(f"{_SELECT} WHERE p.project_id = ?", [project_id])), None)
    return None if row is None else _project(row)


def find_request(connection: Connection, request_id: str) -> tuple[str, str] | None:
    """Returns id and request fingerprint of the project that the request made, or None."""
    found: tuple[str, str] | None = connection.execute(
        "SELECT project_id, request_fingerprint FROM projects WHERE request_id = ?", [request_id]
    ).fetchone()
    return found


def classification_type(connection: Connection, project_id: str) -> ClassificationType | None:
    """Returns the project's type, or None where there is no such project; cheaper than find."""
    row = connection.execute("SELECT classification_type FROM projects WHERE project_id = ?", [project_id]).fetchone()
    return None if row is None else ClassificationType(row[0])


def insert(
    connection: Connection,
    *,
    project_id: str,
    name: str,
    description: str,
    classification_type: ClassificationType,
    create_time: datetime,
    request_id: str | None,
    request_fingerprint: str,
) -> None:
    """Adds a project."""
    connection.execute(
        "INSERT INTO projects (project_id, name, description, classification_type, create_time, update_time,"
        " request_id, request_fingerprint) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            project_id,
            name,
            description,
            classification_type.value,
            create_time.isoformat(),
            create_time.isoformat(),
            request_id,
            request_fingerprint,
        ],
    )


def page(connection: Connection, *, name: str, after: int | None, limit: int) -> list[Project]:
    """Returns projects in order of creation after the sequence ``after``; ``name`` "" means any."""
    rows = connection.query(
        f"{_SELECT} WHERE p.sequence > :after AND p.name = :name ORDER BY p.sequence LIMIT :limit"
        if name
        else f"{_SELECT} WHERE p.sequence > :after ORDER BY p.sequence LIMIT :limit",
        {"after": after or 0, "name": name, "limit": limit},
    )
    return [_project(row) for row in rows]


def update(connection: Connection, project: Project) -> None:
    """Writes the fields that a user can change, and the time of the change."""
    connection.execute(
        "UPDATE projects SET name = ?, description = ?, classification_type = ?, update_time = ? WHERE project_id = ?",
        [
            project.name,
            project.description,
            project.classification_type.value,
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
    """Removes a project with everything in it."""
    connection.execute("DELETE FROM iterations WHERE project_id = ?", [project_id])
    # Before the tags: an image that is gone need not be noted as untagged.
    connection.execute("DELETE FROM images WHERE project_id = ?", [project_id])
    connection.execute("DELETE FROM projects WHERE project_id = ?", [project_id])


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
    )
