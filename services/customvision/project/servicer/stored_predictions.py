"""The calls about stored predictions."""

from collections.abc import AsyncIterator
from typing import Any

from customvision.common.errors import ServiceError
from customvision.common.status import code_of
from customvision.project.domain.prediction_filter import PredictionFilter, PredictionOrder, PredictionTagFilter
from customvision.project.domain.stored_prediction import NewPrediction, PredictionCorrection, StoredPrediction
from customvision.project.servicer.conversions import member_of, time_of, timestamp_of
from customvision.project.servicer.images import content_chunks, image_variant
from customvision.project.servicer.tag_probabilities import answer_messages, answer_of
from customvision.project.servicer.uploads import result_message
from customvision.project.use_cases.pages import PageRequest
from customvision.project.use_cases.prediction_intake import Outcome, PredictionIntake
from customvision.project.use_cases.stored_predictions import StoredPredictions
from customvision.v1 import images_pb2, stored_predictions_pb2


class StoredPredictionMethods:
    """Translates the calls about stored predictions."""

    _prediction_intake: PredictionIntake
    _stored_predictions: StoredPredictions

    async def RecordPrediction(
        self, request: stored_predictions_pb2.RecordPredictionRequest, context: Any
    ) -> stored_predictions_pb2.StoredPrediction:
        """Keeps an answer with its image."""
        return _message(await self._prediction_intake.add(_new(request)))

    async def RecordPredictions(
        self, request: stored_predictions_pb2.RecordPredictionsRequest, context: Any
    ) -> stored_predictions_pb2.RecordPredictionsResponse:
        """Keeps up to 64 answers with their images."""
        outcomes = await self._prediction_intake.add_batch([_new(entry) for entry in request.predictions])
        results = map(_result, request.predictions, outcomes)
        return stored_predictions_pb2.RecordPredictionsResponse(results=results)

    async def ListPredictions(
        self, request: stored_predictions_pb2.ListPredictionsRequest, context: Any
    ) -> stored_predictions_pb2.ListPredictionsResponse:
        """Returns one page of stored predictions."""
        page = await self._stored_predictions.page(_filter(request), PageRequest(request.page_size, request.page_token))
        return stored_predictions_pb2.ListPredictionsResponse(
            predictions=map(_message, page.items), next_page_token=page.next_page_token
        )

    async def GetPredictionContent(
        self, request: stored_predictions_pb2.GetPredictionContentRequest, context: Any
    ) -> AsyncIterator[images_pb2.ImageContentChunk]:
        """Streams the bytes of a prediction's image."""
        variant = image_variant(request.variant)
        for chunk in content_chunks(
            await self._stored_predictions.content(request.project_id, request.prediction_id, variant)
        ):
            yield chunk

    async def DeletePredictions(
        self, request: stored_predictions_pb2.DeletePredictionsRequest, context: Any
    ) -> stored_predictions_pb2.DeletePredictionsResponse:
        """Deletes stored predictions."""
        count = await self._stored_predictions.delete(request.project_id, list(request.prediction_ids))
        return stored_predictions_pb2.DeletePredictionsResponse(deleted_count=count)

    async def CreateImagesFromPredictions(
        self, request: stored_predictions_pb2.CreateImagesFromPredictionsRequest, context: Any
    ) -> stored_predictions_pb2.CreateImagesFromPredictionsResponse:
        """Makes training images of stored predictions."""
        corrections = [
            PredictionCorrection(correction.prediction_id, tuple(correction.tag_ids))
            for correction in request.corrections
        ]
        results = await self._stored_predictions.create_images(
            request.project_id, corrections, list(request.tag_ids), dict(request.metadata)
        )
        return stored_predictions_pb2.CreateImagesFromPredictionsResponse(results=map(result_message, results))


def _new(request: stored_predictions_pb2.RecordPredictionRequest) -> NewPrediction:
    return NewPrediction(
        prediction_id=request.prediction_id,
        project_id=request.project_id,
        iteration_id=request.iteration_id,
        publish_name=request.publish_name,
        image_data=request.image_data,
        predictions=answer_of(request.predictions),
        application=request.application,
    )


def _result(
    request: stored_predictions_pb2.RecordPredictionRequest, outcome: Outcome
) -> stored_predictions_pb2.RecordPredictionResult:
    result = stored_predictions_pb2.RecordPredictionResult(prediction_id=request.prediction_id)
    if isinstance(outcome, ServiceError):
        result.code, result.message = code_of(outcome).value[0], outcome.message
    return result


def _filter(request: stored_predictions_pb2.ListPredictionsRequest) -> PredictionFilter:
    return PredictionFilter(
        project_id=request.project_id,
        iteration_id=request.iteration_id,
        application=request.application,
        start_time=time_of(request.start_time, "start_time") if request.HasField("start_time") else None,
        end_time=time_of(request.end_time, "end_time") if request.HasField("end_time") else None,
        tags=tuple(map(_tag_filter, request.tags)),
        order=member_of(
            PredictionOrder,
            stored_predictions_pb2.PredictionOrder,
            request.order,
            field="order",
            default=PredictionOrder.NEWEST_FIRST,
        ),
    )


def _tag_filter(message: stored_predictions_pb2.PredictionTagFilter) -> PredictionTagFilter:
    return PredictionTagFilter(
        tag_id=message.tag_id,
        min_probability=message.min_probability,
        max_probability=message.max_probability if message.HasField("max_probability") else 1.0,
    )


def _message(prediction: StoredPrediction) -> stored_predictions_pb2.StoredPrediction:
    return stored_predictions_pb2.StoredPrediction(
        prediction_id=prediction.prediction_id,
        project_id=prediction.project_id,
        iteration_id=prediction.iteration_id,
        publish_name=prediction.publish_name,
        predictions=answer_messages(prediction.predictions),
        create_time=timestamp_of(prediction.create_time),
        content_sha256=prediction.content.content_sha256,
        application=prediction.application,
        uncertainty=prediction.uncertainty,
        domain_id=prediction.domain_id,
    )
