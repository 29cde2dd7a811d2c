"""Writes the rows of new images: what is new, what is there already, what the tag rules refuse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from customvision.common.database import Connection
from customvision.common.errors import ServiceError
from customvision.project.domain.image import Image, ImageContent
from customvision.project.domain.image_metadata import check_metadata, news_for
from customvision.project.domain.image_upload import REFUSALS, ImageCreateResult, ImageCreateStatus, refusal
from customvision.project.domain.project import ClassificationType
from customvision.project.domain.tag import Tag, TagNotFound, check_tags_together
from customvision.project.domain.text import new_id
from customvision.project.store import image_metadata, images, tags
from customvision.project.store.columns import now
from customvision.project.use_cases.lookups import require_classification_type, require_whole


@dataclass(frozen=True)
class Candidate:
    """An image whose bytes are stored, or that was refused before, with the tags and metadata it shall carry."""

    index: int
    file_name: str
    tag_ids: tuple[str, ...]
    content: ImageContent | ServiceError
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Outcome:
    """What became of a candidate, still without the image; ``sequence`` is the image's, None where it was refused."""

    result: ImageCreateResult
    sequence: int | None = None


def record_images(connection: Connection, project_id: str, candidates: Sequence[Candidate]) -> list[ImageCreateResult]:
    """Adds candidates to the current data set, each with a result of its own.

    Raises ProjectNotFound, ProjectImporting, ProjectImportFailed.
    """
    require_whole(connection, project_id)
    classification_type = require_classification_type(connection, project_id)
    asked = {tag_id for candidate in candidates for tag_id in candidate.tag_ids}
    known = tags.find_several(connection, project_id, asked) if asked else {}
    outcomes = [_record(connection, project_id, classification_type, known, candidate) for candidate in candidates]
    # Read together, as they are in the end: one by one it would take longer than storing them.
    sequences = [outcome.sequence for outcome in outcomes if outcome.sequence is not None]
    stored = {image.sequence: image for image in images.in_sequences(connection, sequences)}
    return [
        outcome.result if outcome.sequence is None else replace(outcome.result, image=stored[outcome.sequence])
        for outcome in outcomes
    ]


def _record(
    connection: Connection,
    project_id: str,
    classification_type: ClassificationType,
    known: dict[str, Tag],
    candidate: Candidate,
) -> _Outcome:
    content = candidate.content
    if isinstance(content, ServiceError):
        return _Outcome(refusal(candidate.index, candidate.file_name, content))
    present = images.find_source(connection, project_id, content.source_sha256)
    held = _tags_of(connection, present)
    try:
        check_metadata(candidate.metadata)
        added = _known_tags(known, candidate.tag_ids)
        check_tags_together(classification_type, held, added, image=_called(candidate.file_name))
    except REFUSALS as error:
        return _Outcome(refusal(candidate.index, candidate.file_name, error))
    time = now()
    sequence = _stored(connection, project_id, candidate, content, present, time)
    images.add_tags(connection, [sequence], added, time)
    duplicate = present is not None and present.current
    status = ImageCreateStatus.OK_DUPLICATE if duplicate else ImageCreateStatus.OK
    return _Outcome(ImageCreateResult(candidate.index, status, candidate.file_name), sequence)


def _tags_of(connection: Connection, image: Image | None) -> list[Tag]:
    if image is None or not image.tag_ids:
        return []
    return list(tags.find_several(connection, image.project_id, image.tag_ids).values())


def _known_tags(known: dict[str, Tag], tag_ids: Sequence[str]) -> list[Tag]:
    missing = next((tag_id for tag_id in tag_ids if tag_id not in known), None)
    if missing is not None:
        raise TagNotFound(missing)
    return [known[tag_id] for tag_id in dict.fromkeys(tag_ids)]


def _stored(
    connection: Connection,
    project_id: str,
    candidate: Candidate,
    content: ImageContent,
    present: Image | None,
    create_time: datetime,
) -> int:
    """Stores image and metadata and returns the image's sequence."""
    if present is None:
        sequence = images.insert(
            connection,
            image_id=new_id(),
            project_id=project_id,
            file_name=candidate.file_name,
            content=content,
            create_time=create_time,
        )
        image_metadata.set_pairs(connection, project_id, [sequence], candidate.metadata)
    elif present.current:
        sequence = present.sequence
        image_metadata.set_pairs(connection, project_id, [sequence], news_for(present.metadata, candidate.metadata))
    else:
        # It comes back as it would come anew: without the tags and the metadata that it had when it was deleted.
        sequence = present.sequence
        images.restore(connection, present)
        image_metadata.clear(connection, sequence)
        image_metadata.set_pairs(connection, project_id, [sequence], candidate.metadata)
    return sequence


def _called(file_name: str) -> str:
    return f"'{file_name}'" if file_name else "The image"
