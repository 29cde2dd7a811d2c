"""The copy of a project: begun with a token, made in the background."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from customvision.project.domain.iteration import Iteration
from customvision.project.domain.text import MAX_NAME_CHARACTERS
from customvision.project.domain.training_request import TrainingRequest

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class ProjectExport:
    """Who has the ``token`` can copy the project until ``expire_time``; the counts are those of now."""

    token: str
    expire_time: datetime
    image_count: int
    tag_count: int
    iteration_count: int


@dataclass(frozen=True)
class ProjectImport:
    """A copy that is being made."""

    project_id: str
    source_project_id: str


@dataclass(frozen=True)
class CopiedIds:
    """What the copy calls what the source has: ids of the source to ids of the copy."""

    tags: Mapping[str, str]
    images: Mapping[str, str]
    iterations: Mapping[str, str]

    def request(self, request: TrainingRequest, source_project_id: str) -> TrainingRequest:
        """Returns what the copy of an iteration was trained for.

        A base that is not copied, of another project or deleted by now, stays what it was.
        """
        base = request.base_iteration_id
        copied = not request.base_project_id and base in self.iterations
        return replace(
            request,
            selected_tag_ids=tuple(self.tags.get(tag_id, tag_id) for tag_id in request.selected_tag_ids),
            base_iteration_id=self.iterations[base] if copied else base,
            base_project_id="" if copied or not base else request.base_project_id or source_project_id,
        )

    def sentence(self, text: str) -> str:
        """Returns a sentence about the source as one about the copy: warnings name images."""
        return _ID.sub(lambda found: self.images.get(found[0], found[0]), text)


def copy_of(source: Iteration, project_id: str, ids: CopiedIds) -> Iteration:
    """Returns the copy of an iteration, unpublished; its artifacts and fingerprint are still the source's."""
    return replace(
        source,
        sequence=0,
        iteration_id=ids.iterations[source.iteration_id],
        project_id=project_id,
        request=ids.request(source.request, source.project_id),
        publish_name="",
        publish_target="",
        warnings=tuple(map(ids.sentence, source.warnings)),
    )


def numbered_name(name: str, number: int) -> str:
    """Returns the name with a number behind it, shortened to the length that names may have."""
    suffix = f" ({number})"
    return name[: MAX_NAME_CHARACTERS - len(suffix)] + suffix
