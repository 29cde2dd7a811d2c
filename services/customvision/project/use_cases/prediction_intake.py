"""Takes predictions in: their images cleaned like any other, a whole batch stored in one commit, then acknowledged."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from customvision.common.database import Connection, Database
from customvision.common.errors import ServiceError
from customvision.project.domain.image_preparation import PreparedImage
from customvision.project.domain.image_upload import MAX_BATCH, REFUSALS
from customvision.project.domain.project import ClassificationType, ProjectNotFound
from customvision.project.domain.stored_prediction import NewPrediction, PredictionIdTaken, StoredPrediction
from customvision.project.domain.tag_probability import uncertainty_of
from customvision.project.domain.text import checked_some
from customvision.project.store import iterations, stored_predictions
from customvision.project.store.blobs import BlobStore
from customvision.project.store.columns import now
from customvision.project.use_cases.blob_keeping import keep_until_named
from customvision.project.use_cases.image_intake import ImageIntake, blobs_of
from customvision.project.use_cases.lookups import require_classification_type, require_domain_id

Outcome = StoredPrediction | ServiceError


@dataclass(frozen=True)
class _AnsweringModel:
    classification_type: ClassificationType
    domain_id: str


@dataclass(frozen=True)
class _Arrival:
    """A prediction whose image is ready to be stored."""

    answered: StoredPrediction
    image: PreparedImage


class PredictionIntake:
    """Keeps predictions. What is acknowledged is durable, and repeating it changes nothing."""

    def __init__(self, database: Database, blobs: BlobStore, images: ImageIntake) -> None:
        self._database = database
        self._blobs = blobs
        self._images = images

    async def add(self, new: NewPrediction) -> StoredPrediction:
        """Keeps one prediction.

        Raises what NewPrediction.check raises, ProjectNotFound, PredictionIdTaken, ImageFormatUnknown, ImageTooLarge,
        ImageHasTooManyPixels, StorageFull.
        """
        [outcome] = await self.add_batch([new])
        if isinstance(outcome, ServiceError):
            raise outcome
        return outcome

    async def add_batch(self, batch: Sequence[NewPrediction]) -> list[Outcome]:
        """Keeps 1 to 64 predictions of any projects; what add would raise for one is its outcome. In order.

        Raises NothingGiven, TooManyItems, and StorageFull, with none of them kept.
        """
        checked_some(batch, MAX_BATCH, "predictions")
        models = await self._database.read(lambda connection: [_checked_model(connection, new) for new in batch])
        arrivals = await asyncio.gather(*map(self._arrival, batch, models))
        blobs = blobs_of(arrival.image for arrival in arrivals if isinstance(arrival, _Arrival))
        async with keep_until_named(self._database, self._blobs, blobs):
            await self._blobs.write(blobs)
            return await self._database.write(lambda connection: [_record(connection, arrival) for arrival in arrivals])

    async def _arrival(self, new: NewPrediction, model: _AnsweringModel | ServiceError) -> _Arrival | ServiceError:
        if isinstance(model, ServiceError):
            return model
        try:
            image = await self._images.prepare(new.image_data)
        except REFUSALS as error:
            return error
        return _Arrival(_answered(new, model, image), image)


def _checked_model(connection: Connection, new: NewPrediction) -> _AnsweringModel | ServiceError:
    """Returns the iteration's type and domain or, where it is gone by now, its project's; or what is wrong."""
    try:
        new.check()
        of_project = require_classification_type(connection, new.project_id)
        domain_id = require_domain_id(connection, new.project_id)
    except ServiceError as error:
        return error
    iteration = iterations.find(connection, new.project_id, new.iteration_id)
    if iteration is None:
        return _AnsweringModel(of_project, domain_id)
    return _AnsweringModel(iteration.classification_type, iteration.domain_id)


def _answered(new: NewPrediction, model: _AnsweringModel, image: PreparedImage) -> StoredPrediction:
    return StoredPrediction(
        sequence=0,
        prediction_id=new.prediction_id.lower(),
        project_id=new.project_id,
        iteration_id=new.iteration_id,
        publish_name=new.publish_name,
        predictions=new.predictions,
        content=image.content,
        create_time=now(),
        application=new.application,
        uncertainty=uncertainty_of([entry.probability for entry in new.predictions], model.classification_type),
        domain_id=model.domain_id,
    )


def _record(connection: Connection, arrival: _Arrival | ServiceError) -> Outcome:
    if isinstance(arrival, ServiceError):
        return arrival
    answered = arrival.answered
    try:
        require_classification_type(connection, answered.project_id)
    except ProjectNotFound as error:
        return error
    present = stored_predictions.find(connection, answered.prediction_id)
    if present is None:
        stored_predictions.insert(connection, answered)
        return answered
    same = (answered.project_id, answered.content.source_sha256)
    if (present.project_id, present.content.source_sha256) != same:
        return PredictionIdTaken(answered.prediction_id)
    return present
