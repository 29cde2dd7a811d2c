"""Lists and deletes answers that were kept with their images, and makes training images of them."""

from collections.abc import Sequence
from dataclasses import replace

from customvision.common.database import Connection, Database
from customvision.common.pagination import RankedPosition
from customvision.project.domain.image import ImageVariant
from customvision.project.domain.image_metadata import NO_METADATA, Metadata
from customvision.project.domain.image_upload import MAX_BATCH, MAX_TAGS, ImageCreateResult, ImageCreateStatus
from customvision.project.domain.prediction_filter import PredictionFilter
from customvision.project.domain.stored_prediction import (
    PredictionCorrection,
    PredictionFileLost,
    PredictionNotFound,
    StoredPrediction,
)
from customvision.project.domain.text import checked_count, checked_some
from customvision.project.store import images, prediction_lists, stored_predictions
from customvision.project.store.blobs import BlobStore
from customvision.project.use_cases.image_arrivals import ImageArrivals
from customvision.project.use_cases.image_files import ImageFile, read_image_file
from customvision.project.use_cases.image_recording import Candidate, record_images
from customvision.project.use_cases.lookups import require_classification_type
from customvision.project.use_cases.pages import Page, PageRequest, read_ranked_page

MAX_DELETED = 1000


class StoredPredictions:
    """What can be done with stored predictions. Every method raises ProjectNotFound where there is no such project."""

    def __init__(self, database: Database, blobs: BlobStore, arrivals: ImageArrivals) -> None:
        self._database = database
        self._blobs = blobs
        self._arrivals = arrivals

    async def page(self, selected: PredictionFilter, request: PageRequest) -> Page[StoredPrediction]:
        """Returns the predictions that the filter selects; ids that it names and nothing has match none.

        Raises TextTooLong, TooManyItems or ProbabilityInvalid.
        """
        selected.check()

        def load(
            connection: Connection, after: RankedPosition | None, most: int
        ) -> tuple[list[StoredPrediction], bool]:
            require_classification_type(connection, selected.project_id)
            return prediction_lists.page(connection, selected, after=after, most=most)

        return await read_ranked_page(self._database, request, load, "predictions", selected)

    async def content(self, project_id: str, prediction_id: str, variant: ImageVariant) -> ImageFile:
        """Returns the bytes of a prediction's image. Raises PredictionNotFound or PredictionFileLost."""

        def find(connection: Connection) -> StoredPrediction:
            require_classification_type(connection, project_id)
            found = stored_predictions.find(connection, prediction_id.lower())
            if found is None or found.project_id != project_id:
                raise PredictionNotFound(prediction_id)
            return found

        prediction = await self._database.read(find)
        file = await read_image_file(self._blobs, prediction.content, variant)
        if file is None:
            raise PredictionFileLost(prediction_id)
        return file

    async def delete(self, project_id: str, prediction_ids: Sequence[str]) -> int:
        """Deletes predictions and returns how many there were; ids that are gone are passed over."""
        checked_some(prediction_ids, MAX_DELETED, "prediction_ids")

        def delete(connection: Connection) -> int:
            require_classification_type(connection, project_id)
            return stored_predictions.delete(connection, project_id, [key.lower() for key in prediction_ids])

        return await self._database.write(delete)

    async def create_images(
        self,
        project_id: str,
        corrections: Sequence[PredictionCorrection],
        tag_ids: Sequence[str],
        metadata: Metadata = NO_METADATA,
    ) -> list[ImageCreateResult]:
        """Makes training images of predictions, with ``tag_ids`` beside their own; one result each, in order.

        ``metadata`` is kept with each of them.
        A prediction whose image was added is deleted; a repeated call finds that image again.
        One that is gone is this correction's result, as what is wrong with its tags is.
        """
        checked_some(corrections, MAX_BATCH, "corrections")
        checked_count(tag_ids, MAX_TAGS, "tag_ids")
        for index, correction in enumerate(corrections):
            checked_count(correction.tag_ids, MAX_TAGS, f"corrections[{index}].tag_ids")
        try:
            return await self._database.write(
                lambda connection: _create_images(connection, project_id, corrections, tag_ids, metadata)
            )
        finally:
            self._arrivals.announce()


def _create_images(
    connection: Connection,
    project_id: str,
    corrections: Sequence[PredictionCorrection],
    tag_ids: Sequence[str],
    metadata: Metadata,
) -> list[ImageCreateResult]:
    require_classification_type(connection, project_id)
    candidates, gone = [], []
    for index, correction in enumerate(corrections):
        try:
            candidate = _candidate(connection, project_id, index, correction, tag_ids)
        except PredictionNotFound as error:
            gone.append(ImageCreateResult(index, ImageCreateStatus.ERROR_SOURCE, file_name="", message=error.message))
        else:
            candidates.append(replace(candidate, metadata=metadata))
    results = record_images(connection, project_id, candidates)
    for result in results:
        if result.image is not None:
            prediction_id = corrections[result.index].prediction_id.lower()
            stored_predictions.record_correction(connection, prediction_id, result.image.sequence)
            stored_predictions.delete(connection, project_id, [prediction_id])
    return sorted([*results, *gone], key=lambda result: result.index)


def _candidate(
    connection: Connection, project_id: str, index: int, correction: PredictionCorrection, tag_ids: Sequence[str]
) -> Candidate:
    prediction_id = correction.prediction_id.lower()
    present = stored_predictions.find(connection, prediction_id)
    if present is not None and present.project_id == project_id:
        content = present.content
    else:
        made = stored_predictions.find_correction(connection, project_id, prediction_id)
        if made is None:
            raise PredictionNotFound(correction.prediction_id)
        content = images.in_sequences(connection, [made])[0].content
    return Candidate(index, "", (*tag_ids, *correction.tag_ids), content)
