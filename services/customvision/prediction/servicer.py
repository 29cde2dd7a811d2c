"""Translates between the contract and prediction's own words."""

from typing import Any

import grpc

from customvision.common.pagination import decode_page_token, encode_page_token, page_size_of
from customvision.prediction.predictor import Predictor
from customvision.prediction.registry import Registry
from customvision.prediction.served_model import ModelState, ServedModel
from customvision.v1 import prediction_service_pb2 as messages
from customvision.v1 import stored_predictions_pb2
from customvision.v1.prediction_service_pb2_grpc import PredictionServiceServicer

Context = grpc.aio.ServicerContext[Any, Any]

_STATES = {
    ModelState.LOADING: messages.MODEL_STATE_LOADING,
    ModelState.AVAILABLE: messages.MODEL_STATE_AVAILABLE,
    ModelState.FAILED: messages.MODEL_STATE_FAILED,
}


class PredictionServicer(PredictionServiceServicer):
    """Serves customvision.v1.PredictionService."""

    def __init__(self, predictor: Predictor, registry: Registry) -> None:
        self._predictor = predictor
        self._registry = registry

    async def Predict(self, request: messages.PredictRequest, context: Context) -> messages.PredictResponse:
        """Classifies one image."""
        answer = await self._predictor.predict(
            request.project_id,
            request.publish_name,
            request.image_data,
            store=request.store,
            seconds=context.time_remaining(),
        )
        return messages.PredictResponse(
            iteration_id=answer.published.iteration_id,
            publish_name=answer.published.name.publish_name,
            prediction_id=answer.prediction_id,
            predictions=[
                stored_predictions_pb2.TagProbability(
                    tag_id=tag.tag_id, tag_name=tag.tag_name, probability=tag.probability
                )
                for tag in answer.predictions
            ],
        )

    async def ListModels(self, request: messages.ListModelsRequest, context: Context) -> messages.ListModelsResponse:
        """Returns a page of the models that this server knows."""
        size = page_size_of(request.page_size)
        start = decode_page_token(request.page_token, request.project_id) or 0
        models = self._registry.models(request.project_id)
        end = start + size
        return messages.ListModelsResponse(
            models=[_served_model(served) for served in models[start:end]],
            next_page_token=encode_page_token(end, request.project_id) if end < len(models) else "",
        )


def _served_model(served: ServedModel) -> messages.ServedModel:
    message = messages.ServedModel(
        project_id=served.published.name.project_id,
        publish_name=served.published.name.publish_name,
        iteration_id=served.published.iteration_id,
        state=_STATES[served.state],
        failure_reason=served.failure_reason,
    )
    if served.model is not None:
        message.serving_iteration_id = served.model.published.iteration_id
        message.load_time.FromDatetime(served.model.load_time)
    return message
