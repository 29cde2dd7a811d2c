"""What comes in, in SQL: images of all projects in order of creation."""

from customvision.common.database import Connection
from customvision.project.domain.image_arrival import ImageArrival


def after(connection: Connection, sequence: int, *, limit: int) -> list[ImageArrival]:
    """Returns images after the sequence; those that were deleted, alone or with their project, are left out."""
    rows = connection.execute(
        "SELECT i.sequence, i.project_id, p.domain_id, i.image_id, i.content_sha256 FROM images i"
        # CROSS keeps SQLite from going through the images project by project.
        " CROSS JOIN projects p ON p.project_id = i.project_id"
        " WHERE i.sequence > ? AND i.current = 1 AND p.deleted = 0 ORDER BY i.sequence LIMIT ?",
        [sequence, limit],
    )
    return [ImageArrival(*row) for row in rows]
