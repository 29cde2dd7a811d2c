"""Copies of projects under way, in SQL: which there are, and what the copy's rows are called."""

from datetime import datetime

from customvision.common.database import Connection
from customvision.project.domain.iteration import Iteration
from customvision.project.domain.project import Project, ProjectStatus
from customvision.project.domain.project_copy import ProjectImport
from customvision.project.domain.text import new_id
from customvision.project.store import iterations
from customvision.project.store.row_copies import copy_rows


def export_secret(connection: Connection) -> bytes:
    """Returns the secret that seals tokens."""
    row = connection.execute("SELECT value FROM secrets WHERE name = 'project_export'").fetchone()
    return bytes(row[0])


def insert(
    connection: Connection,
    source: Project,
    *,
    project_id: str,
    name: str,
    create_time: datetime,
    request_id: str | None,
    request_fingerprint: str,
) -> None:
    """Adds a project that is to become a copy of ``source``, with its tags and the names of all that follows."""
    parameters = {
        "source": source.project_id,
        "project_id": project_id,
        "name": name,
        "time": create_time.isoformat(),
        "request_id": request_id,
        "request_fingerprint": request_fingerprint,
    }
    copy_rows(
        connection,
        "projects",
        "WHERE s.project_id = :source",
        parameters,
        project_id=":project_id",
        name=":name",
        status=f"'{ProjectStatus.IMPORTING.value}'",
        create_time=":time",
        update_time=":time",
        request_id=":request_id",
        request_fingerprint=":request_fingerprint",
    )
    connection.execute(
        "INSERT INTO project_imports (project_id, source_project_id, last_image)"
        " SELECT :project_id, :source, coalesce(max(sequence), 0) FROM images WHERE project_id = :source",
        {"project_id": project_id, "source": source.project_id},
    )
    _copy_tags(connection, source.project_id, project_id)
    connection.conn.executemany(
        "INSERT INTO imported_iterations (project_id, source, source_iteration_id, iteration_id) VALUES (?, ?, ?, ?)",
        [
            (project_id, iteration.sequence, iteration.iteration_id, new_id())
            for iteration in iterations.completed(connection, source.project_id)
        ],
    )


def pending(connection: Connection) -> list[ProjectImport]:
    """Returns the copies that are under way, the oldest first."""
    rows = connection.execute(
        "SELECT i.project_id, i.source_project_id FROM project_imports i"
        " JOIN projects p ON p.project_id = i.project_id WHERE p.deleted = 0 ORDER BY i.sequence"
    )
    return [ProjectImport(*row) for row in rows]


def next_iteration(connection: Connection, project_import: ProjectImport) -> Iteration | None:
    """Returns the next iteration of the source that is to be copied, or None; one that was deleted is passed over."""
    rows = connection.query(
        "SELECT s.* FROM imported_iterations i JOIN iterations s ON s.sequence = i.source"
        " WHERE i.project_id = ? AND i.copied = 0 ORDER BY i.source LIMIT 1",
        [project_import.project_id],
    )
    return next((iterations.to_iteration(row) for row in rows), None)


def tag_ids(connection: Connection, project_import: ProjectImport) -> dict[str, str]:
    """Returns what the copy calls the tags of the source, also those that only frozen data sets know."""
    rows = connection.execute(
        "SELECT source_tag_id, tag_id FROM imported_tags WHERE project_id = ?", [project_import.project_id]
    )
    return dict(rows.fetchall())


def iteration_ids(connection: Connection, project_import: ProjectImport) -> dict[str, str]:
    """Returns what the copy calls the iterations of the source that are copied."""
    rows = connection.execute(
        "SELECT source_iteration_id, iteration_id FROM imported_iterations WHERE project_id = ?",
        [project_import.project_id],
    )
    return dict(rows.fetchall())


def image_ids(connection: Connection, project_import: ProjectImport, source: Iteration) -> dict[str, str]:
    """Returns what the copy calls the images of an iteration of the source."""
    rows = connection.execute(
        "SELECT DISTINCT s.image_id, c.image_id FROM iteration_images ii JOIN images s ON s.sequence = ii.image"
        " JOIN images c ON c.project_id = ? AND c.source_sha256 = s.source_sha256 WHERE ii.iteration = ?",
        [project_import.project_id, source.sequence],
    )
    return dict(rows.fetchall())


def end(connection: Connection, project_import: ProjectImport, status: ProjectStatus) -> None:
    """Gives the copy its final status, and forgets how it came to be."""
    connection.execute("UPDATE projects SET status = ? WHERE project_id = ?", [status.value, project_import.project_id])
    connection.execute("DELETE FROM project_imports WHERE project_id = ?", [project_import.project_id])


def _copy_tags(connection: Connection, source_project_id: str, project_id: str) -> None:
    rows = connection.execute("SELECT sequence, tag_id FROM tags WHERE project_id = ? ORDER BY 1", [source_project_id])
    imported = []
    for source, source_tag_id in rows.fetchall():
        tag_id = new_id()
        parameters = {"source": source, "tag_id": tag_id, "project_id": project_id}
        tag = copy_rows(
            connection,
            "tags",
            "WHERE s.sequence = :source",
            parameters,
            tag_id=":tag_id",
            project_id=":project_id",
            request_id="NULL",
            request_fingerprint="NULL",
        )
        imported.append((project_id, source, source_tag_id, tag, tag_id))
    # Tags that were deleted, but were trained on: no tag will ever have their number, so the copy can use it, too.
    frozen = connection.execute(
        "SELECT DISTINCT it.tag, it.tag_id FROM iterations i JOIN iteration_tags it ON it.iteration = i.sequence"
        " WHERE i.project_id = ? AND NOT EXISTS (SELECT 1 FROM tags t WHERE t.sequence = it.tag)",
        [source_project_id],
    )
    imported += [(project_id, source, source_tag_id, source, new_id()) for source, source_tag_id in frozen.fetchall()]
    connection.conn.executemany(
        "INSERT INTO imported_tags (project_id, source, source_tag_id, tag, tag_id) VALUES (?, ?, ?, ?, ?)", imported
    )
