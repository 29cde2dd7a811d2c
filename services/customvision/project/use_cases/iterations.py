"""Freezes data sets as iterations, records how their training ended, and lists, renames and deletes them."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace

from customvision.common.database import Connection, Database
from customvision.project.domain.data_set import DataSetImage
from customvision.project.domain.iteration import (
    MAX_SENTENCE_CHARACTERS,
    MAX_WARNINGS,
    ArtifactsMissing,
    Backbone,
    Iteration,
    IterationArtifacts,
    IterationInUse,
    IterationMetrics,
    IterationNameTaken,
    IterationNotInTraining,
    IterationStatus,
)
from customvision.project.domain.project import RequestIdReused
from customvision.project.domain.tag import Tag
from customvision.project.domain.text import checked_count, checked_name, checked_request_id, checked_text
from customvision.project.domain.training_request import TrainingRequest
from customvision.project.store import artifacts, images, iterations
from customvision.project.store.columns import now
from customvision.project.use_cases.freezing import check, freeze
from customvision.project.use_cases.lookups import (
    request_fingerprint,
    require_classification_type,
    require_iteration,
    require_whole,
)
from customvision.project.use_cases.pages import Page, PageRequest, read_page

IMAGES_A_PIECE = 1000


@dataclass(frozen=True)
class DataSetPiece:
    """A piece of a frozen data set; tags stand in the first."""

    tags: list[Tag]
    images: list[DataSetImage]


class Iterations:
    """What can be done with iterations. Methods raise ProjectNotFound or IterationNotFound where there is none.

    Those that change something also raise ProjectImporting or ProjectImportFailed.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self, project_id: str, request: TrainingRequest, *, backbone_id: str, force: bool, request_id: str
    ) -> Iteration:
        """Freezes the current data set; a repeated ``request_id`` answers the same iteration.

        Raises RequestIdInvalid, RequestIdReused, TrainingBudgetInvalid, BaseIterationNotAllowed, TagNotFound,
        BaseIterationNotUsable, TooFewTags, TooFewImages, and NothingChanged unless ``force``.
        """
        key = checked_request_id(request_id)
        request = request.checked(project_id)
        fingerprint = request_fingerprint(project_id, request.training_type, *request.particulars)

        def create(connection: Connection) -> Iteration:
            require_whole(connection, project_id)
            earlier = iterations.find_request(connection, key) if key else None
            if earlier is not None:
                if earlier[2] != fingerprint:
                    raise RequestIdReused(request_id)
                return require_iteration(connection, project_id, earlier[1])
            return freeze(
                connection,
                project_id,
                request,
                backbone_id=backbone_id,
                force=force,
                request_id=key,
                request_fingerprint=fingerprint,
            )

        return await self._database.write(create)

    async def check(self, project_id: str, request: TrainingRequest, *, backbone_id: str, force: bool) -> None:
        """Raises what ``create`` would raise, and freezes nothing."""
        checked = request.checked(project_id)

        def look(connection: Connection) -> None:
            require_whole(connection, project_id)
            check(connection, project_id, checked, backbone_id=backbone_id, force=force)

        await self._database.read(look)

    async def data_set(self, project_id: str, iteration_id: str) -> AsyncGenerator[DataSetPiece, None]:
        """Yields the frozen data set, images in order of creation, at most 1,000 a piece."""

        def first(connection: Connection) -> tuple[Iteration, list[Tag]]:
            iteration = require_iteration(connection, project_id, iteration_id)
            return iteration, iterations.frozen_tags(connection, iteration)

        iteration, frozen_tags = await self._database.read(first)
        after = 0
        while True:
            piece = await self._database.read(
                lambda connection, after=after: iterations.frozen_images(  # type: ignore[misc]
                    connection, iteration, after=after, limit=IMAGES_A_PIECE
                )
            )
            if after == 0 or piece:
                yield DataSetPiece(frozen_tags if after == 0 else [], piece)
            if len(piece) < IMAGES_A_PIECE:
                return
            after = piece[-1].sequence

    async def complete(
        self,
        project_id: str,
        iteration_id: str,
        *,
        backbone: Backbone,
        model: IterationArtifacts,
        metrics: IterationMetrics,
        warnings: Sequence[str],
        fine_tuned: bool = False,
    ) -> Iteration:
        """Records a finished model; repeating it with the same artifacts changes nothing.

        Raises MetricsInvalid, DigestInvalid, ArtifactsMissing, IterationNotInTraining.
        """
        model = model.checked()
        metrics.check()
        checked_count(warnings, MAX_WARNINGS, "warnings")
        for index, warning in enumerate(warnings):
            checked_text(warning, f"warnings[{index}]", MAX_SENTENCE_CHARACTERS)

        def complete(connection: Connection) -> Iteration:
            iteration = require_iteration(connection, project_id, iteration_id)
            if iteration.status is IterationStatus.COMPLETED and iteration.artifacts == model:
                return iteration
            if iteration.status is not IterationStatus.TRAINING:
                raise IterationNotInTraining(iteration)
            _check_stored(connection, model)
            completed = replace(
                iteration,
                status=IterationStatus.COMPLETED,
                end_time=now(),
                backbone=backbone,
                artifacts=model,
                metrics=metrics,
                warnings=tuple(warnings),
                fine_tuned=fine_tuned,
            )
            return iterations.update(connection, completed)

        return await self._database.write(complete)

    async def fail(self, project_id: str, iteration_id: str, *, reason: str, cancelled: bool) -> Iteration:
        """Records that the training ended without a model; an iteration that ended so already stays as it is.

        Raises IterationNotInTraining where it is completed.
        """
        checked_text(reason, "reason", MAX_SENTENCE_CHARACTERS)

        def fail(connection: Connection) -> Iteration:
            iteration = require_iteration(connection, project_id, iteration_id)
            if iteration.status in (IterationStatus.FAILED, IterationStatus.CANCELLED):
                return iteration
            if iteration.status is IterationStatus.COMPLETED:
                raise IterationNotInTraining(iteration)
            status = IterationStatus.CANCELLED if cancelled else IterationStatus.FAILED
            ended = replace(iteration, status=status, end_time=now(), failure_reason="" if cancelled else reason)
            return iterations.update(connection, ended)

        return await self._database.write(fail)

    async def get(self, project_id: str, iteration_id: str) -> Iteration:
        """Returns the iteration."""
        return await self._database.read(lambda connection: require_iteration(connection, project_id, iteration_id))

    async def page(self, project_id: str, request: PageRequest) -> Page[Iteration]:
        """Returns iterations, newest first."""

        def load(connection: Connection, after: int | None, limit: int) -> list[Iteration]:
            require_classification_type(connection, project_id)
            return iterations.page(connection, project_id, after=after, limit=limit)

        return await read_page(self._database, request, load, "iterations", project_id)

    async def rename(self, project_id: str, iteration_id: str, name: str | None) -> Iteration:
        """Changes the name where one is given. Raises NameInvalid or IterationNameTaken."""
        if name is not None:
            checked_name(name, "name")

        def rename(connection: Connection) -> Iteration:
            require_whole(connection, project_id)
            iteration = require_iteration(connection, project_id, iteration_id)
            if name is None or name == iteration.name:
                return iteration
            if iterations.find_named(connection, project_id, name) is not None:
                raise IterationNameTaken(name)
            return iterations.update(connection, replace(iteration, name=name))

        return await self._database.write(rename)

    async def delete(self, project_id: str, iteration_id: str) -> None:
        """Deletes the iteration and the images that only it held. Raises IterationInUse."""

        def delete(connection: Connection) -> None:
            require_whole(connection, project_id)
            iteration = require_iteration(connection, project_id, iteration_id)
            if iteration.publish_name or iteration.status is IterationStatus.TRAINING:
                raise IterationInUse(iteration)
            successor = iterations.find_successor_in_training(connection, iteration)
            if successor is not None:
                raise IterationInUse(iteration, successor)
            iterations.delete(connection, iteration)
            images.delete_unheld(connection, project_id)

        await self._database.write(delete)


def _check_stored(connection: Connection, model: IterationArtifacts) -> None:
    stored = {artifact.sha256 for artifact in artifacts.find_several(connection, model.named().values())}
    missing = [name for name, digest in model.named().items() if digest not in stored]
    if missing:
        raise ArtifactsMissing(missing)
