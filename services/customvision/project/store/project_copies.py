"""Images and iterations of a project copied into another, in SQL. Bytes are not: the copy's rows name the same blobs.

A project has each file once, so that an image's copy is the one of the same file.
"""

from customvision.common.database import Connection
from customvision.project.domain.iteration import Iteration
from customvision.project.domain.project_copy import ProjectImport
from customvision.project.domain.text import new_id
from customvision.project.store.columns import to_list
from customvision.project.store.row_copies import copy_rows

# In place of one walk over all images, current or not, for which there is no index: two walks, merged.
_NEXT_IMAGES = """
SELECT sequence FROM (
    SELECT * FROM (SELECT sequence FROM images WHERE project_id = :source AND current = 1
        AND sequence > :copied AND sequence <= :last ORDER BY sequence LIMIT :limit)
    UNION ALL
    SELECT * FROM (SELECT sequence FROM images WHERE project_id = :source AND current = 0
        AND sequence > :copied AND sequence <= :last ORDER BY sequence LIMIT :limit)
) ORDER BY sequence LIMIT :limit
"""
_SAME_FILE = (
    "CROSS JOIN images i ON i.sequence = s.image"
    " CROSS JOIN images c ON c.project_id = :project_id AND c.source_sha256 = i.source_sha256"
)
_SAME_TAG = "CROSS JOIN imported_tags m ON m.project_id = :project_id AND m.source = s.tag"


def copy_images(connection: Connection, project_import: ProjectImport, limit: int) -> bool:
    """Copies the next images, at most ``limit``, with tags and metadata; returns False once there are no more."""
    # An image's copy gets an id of its own, each row another.
    connection.conn.create_function("new_id", 0, new_id)
    copied, last = connection.execute(
        "SELECT copied_image, last_image FROM project_imports WHERE project_id = ?", [project_import.project_id]
    ).fetchone()
    walk = {"source": project_import.source_project_id, "copied": copied, "last": last, "limit": limit}
    sequences = [row[0] for row in connection.execute(_NEXT_IMAGES, walk)]
    if not sequences:
        return False
    parameters = {"project_id": project_import.project_id, "sequences": to_list(sequences)}
    copy_rows(
        connection,
        "images",
        "WHERE s.sequence IN (SELECT value FROM json_each(:sequences)) ORDER BY s.sequence",
        parameters,
        image_id="new_id()",
        project_id=":project_id",
        # Set by the first tag.
        tagged="0",
    )
    copy_rows(
        connection,
        "image_tags",
        f"{_SAME_FILE} {_SAME_TAG} WHERE s.image IN (SELECT value FROM json_each(:sequences))"  # noqa: S608 - no user text
        " ORDER BY c.sequence, m.tag",
        parameters,
        image="c.sequence",
        tag="m.tag",
    )
    copy_rows(
        connection,
        "image_metadata",
        f"{_SAME_FILE} WHERE s.image IN (SELECT value FROM json_each(:sequences))",  # noqa: S608 - no user text
        parameters,
        image="c.sequence",
        project="(SELECT sequence FROM projects WHERE project_id = :project_id)",
    )
    connection.execute(
        "UPDATE project_imports SET copied_image = ? WHERE project_id = ?", [sequences[-1], project_import.project_id]
    )
    return True


def copy_iteration(connection: Connection, project_import: ProjectImport, source: Iteration, copy: Iteration) -> None:
    """Adds ``copy``, with what else the row of ``source`` holds, and the copy of its frozen data set."""
    sequence = copy_rows(
        connection,
        "iterations",
        "WHERE s.sequence = :source",
        {
            "source": source.sequence,
            "iteration_id": copy.iteration_id,
            "project_id": copy.project_id,
            "selected_tag_ids": to_list(copy.request.selected_tag_ids),
            "base_iteration_id": copy.request.base_iteration_id,
            "base_project_id": copy.request.base_project_id,
            "data_set_fingerprint": copy.data_set_fingerprint,
            "warnings": to_list(copy.warnings),
            "model_sha256": copy.artifacts.model_sha256 if copy.artifacts else None,
            "evaluation_sha256": copy.artifacts.evaluation_sha256 if copy.artifacts else None,
        },
        iteration_id=":iteration_id",
        project_id=":project_id",
        publish_name="NULL",
        publish_target="''",
        request_id="NULL",
        request_fingerprint="NULL",
        selected_tag_ids=":selected_tag_ids",
        base_iteration_id=":base_iteration_id",
        base_project_id=":base_project_id",
        data_set_fingerprint=":data_set_fingerprint",
        warnings=":warnings",
        model_sha256=":model_sha256",
        evaluation_sha256=":evaluation_sha256",
    )
    parameters = {"source": source.sequence, "iteration": sequence, "project_id": copy.project_id}
    copy_rows(
        connection,
        "iteration_tags",
        "JOIN imported_tags m ON m.project_id = :project_id AND m.source = s.tag WHERE s.iteration = :source",
        parameters,
        iteration=":iteration",
        tag="m.tag",
        tag_id="m.tag_id",
    )
    copy_rows(
        connection,
        "iteration_images",
        f"{_SAME_FILE} {_SAME_TAG} WHERE s.iteration = :source ORDER BY c.sequence, m.tag",
        parameters,
        iteration=":iteration",
        image="c.sequence",
        tag="m.tag",
    )
    connection.execute(
        "UPDATE imported_iterations SET copied = 1 WHERE project_id = ? AND source = ?",
        [project_import.project_id, source.sequence],
    )
