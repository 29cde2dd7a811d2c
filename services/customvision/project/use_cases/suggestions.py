"""Keeps what models answer to untagged images, lists it, and counts it by tag."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from customvision.common.database import Connection, Database
from customvision.common.pagination import RankedPosition
from customvision.project.domain.image import Image
from customvision.project.domain.image_upload import MAX_BATCH
from customvision.project.domain.iteration import Iteration, IterationStatus
from customvision.project.domain.publishing import IterationNotCompleted
from customvision.project.domain.suggestion import MAX_TAGS_OF_COUNT, Suggestion, SuggestionFilter, check_threshold
from customvision.project.domain.tag_probability import TagProbability, check_answer, uncertainty_of
from customvision.project.domain.text import checked_count
from customvision.project.store import images, iterations, suggestions
from customvision.project.store.columns import now
from customvision.project.use_cases.lookups import require_iteration
from customvision.project.use_cases.pages import Page, PageRequest, read_ranked_page

Answer = tuple[TagProbability, ...]


class Suggestions:
    """What can be done with suggestions. Every method raises ProjectNotFound or IterationNotFound."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(
        self, project_id: str, iteration_id: str, answers: Sequence[tuple[str, Answer]]
    ) -> list[Suggestion]:
        """Keeps an iteration's answers to images, by image id, in place of its earlier ones; returns those kept.

        Images that are gone or have a tag are left out; of several answers to one image the last counts.
        Raises TooManyItems, TextTooLong, ProbabilityInvalid, IterationNotCompleted.
        """
        checked_count(answers, MAX_BATCH, "suggestions")
        for index, (_, answer) in enumerate(answers):
            check_answer(answer, f"suggestions[{index}].predictions")
        by_image = {image_id.lower(): answer for image_id, answer in answers}
        return await self._database.write(lambda connection: _record(connection, project_id, iteration_id, by_image))

    async def page(self, selected: SuggestionFilter, request: PageRequest) -> Page[Suggestion]:
        """Returns the suggestions that the filter selects. Raises TooManyItems or ThresholdInvalid."""
        selected.check()

        def load(connection: Connection, after: RankedPosition | None, most: int) -> tuple[list[Suggestion], bool]:
            iteration = require_iteration(connection, selected.project_id, selected.iteration_id)
            return suggestions.page(connection, iteration, selected, after=after, most=most)

        return await read_ranked_page(self._database, request, load, "suggestions", selected)

    async def counts(
        self, project_id: str, iteration_id: str, tag_ids: Sequence[str], threshold: float
    ) -> dict[str, int]:
        """Returns how many images each tag is suggested for with at least the threshold: those asked for, or all.

        Raises TooManyItems or ThresholdInvalid.
        """
        checked_count(tag_ids, MAX_TAGS_OF_COUNT, "tag_ids")
        check_threshold(threshold)

        def count(connection: Connection) -> dict[str, int]:
            iteration = require_iteration(connection, project_id, iteration_id)
            counted = tag_ids or [tag.tag_id for tag in iterations.frozen_tags(connection, iteration)]
            return suggestions.counts(connection, iteration, counted, threshold)

        return await self._database.read(count)


def _record(
    connection: Connection, project_id: str, iteration_id: str, answers: Mapping[str, Answer]
) -> list[Suggestion]:
    iteration = require_iteration(connection, project_id, iteration_id)
    if iteration.status is not IterationStatus.COMPLETED:
        raise IterationNotCompleted(iteration)
    found = {image.image_id: image for image in images.find_several(connection, project_id, answers)}
    create_time = now()
    kept = [
        _suggestion(image, iteration, answer, create_time)
        for image_id, answer in answers.items()
        if (image := found.get(image_id)) is not None and image.current and not image.tag_ids
    ]
    for suggestion in kept:
        suggestions.replace(connection, iteration, suggestion)
    return kept


def _suggestion(image: Image, iteration: Iteration, answer: Answer, create_time: datetime) -> Suggestion:
    return Suggestion(
        sequence=image.sequence,
        image_id=image.image_id,
        project_id=image.project_id,
        iteration_id=iteration.iteration_id,
        predictions=answer,
        uncertainty=uncertainty_of([entry.probability for entry in answer], iteration.classification_type),
        create_time=create_time,
    )
