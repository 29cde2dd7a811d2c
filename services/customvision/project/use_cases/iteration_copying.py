"""What the copy of an iteration is, in a project with ids of its own."""

from collections.abc import Iterable
from dataclasses import replace

from customvision.common.database import Connection
from customvision.project.domain.data_set import fingerprint_of
from customvision.project.domain.iteration import Iteration
from customvision.project.domain.project_copy import CopiedIds, ProjectImport, copy_of
from customvision.project.domain.tag import Tag
from customvision.project.store import iterations, project_imports


def copied_iteration(
    connection: Connection, project_import: ProjectImport, source: Iteration
) -> tuple[Iteration, CopiedIds]:
    """Returns the copy of ``source``, still with its artifacts, and what the copy calls what those name."""
    ids = CopiedIds(
        tags=project_imports.tag_ids(connection, project_import),
        images=project_imports.image_ids(connection, project_import, source),
        iterations=project_imports.iteration_ids(connection, project_import),
    )
    copy = copy_of(source, project_import.project_id, ids)
    tags = iterations.frozen_tags(connection, source)
    pairs = list(iterations.frozen_pairs(connection, source))
    if _fingerprint(source, tags, pairs) != source.data_set_fingerprint:
        # Images were taken out of it since: no data set is equal to what it was trained on.
        return copy, ids
    renamed_tags = [replace(tag, tag_id=ids.tags[tag.tag_id]) for tag in tags]
    renamed_pairs = [(content_sha256, ids.tags[tag_id]) for content_sha256, tag_id in pairs]
    return replace(copy, data_set_fingerprint=_fingerprint(copy, renamed_tags, renamed_pairs)), ids


def _fingerprint(iteration: Iteration, tags: Iterable[Tag], pairs: Iterable[tuple[str, str]]) -> str:
    return fingerprint_of(iteration.classification_type, iteration.domain_id, iteration.request, tags, sorted(pairs))
