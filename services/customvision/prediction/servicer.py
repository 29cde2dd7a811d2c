"""Translates between the contract and prediction's own words."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc

from customvision.common.authentication import KeyRing
from customvision.common.pagination import decode_page_token, encode_page_token, page_size_of
from customvision.common.server import TRAINING_KEY_ONLY
from customvision.prediction.model_messages import model_event_message, served_model_message
from customvision.prediction.model_watch import watch_models
from customvision.prediction.predictor import Predictor
from customvision.prediction.project_client import tag_probability_messages
from customvision.prediction.question import Question
from customvision.prediction.registry import Registry
from customvision.prediction.suggestions import Suggestion, Suggestions
from customvision.v1 import prediction_service_pb2 as messages
from customvision.v1 import suggestions_pb2
from customvision.v1.prediction_service_pb2_grpc import PredictionServiceServicer

Context = grpc.aio.ServicerContext[Any, Any]


class PredictionServicer(PredictionServiceServicer):
    """Serves customvision.v1.PredictionService."""

    def __init__(self, predictor: Predictor, registry: Registry, suggestions: Suggestions, key_ring: KeyRing) -> None:
        """``key_ring`` tells who may ask iterations that are not published; who may call at all is known before."""
        self._predictor = predictor
        self._registry = registry
        self._suggestions = suggestions
        self._key_ring = key_ring

    async def Predict(self, request: messages.PredictRequest, context: Context) -> messages.PredictResponse:
        """Classifies one image."""
        if request.iteration_id:
            self._require_training_key(context)
        answer = await self._predictor.predict(_question(request), seconds=context.time_remaining())
        return messages.PredictResponse(
            iteration_id=answer.published.iteration_id,
            publish_name=answer.published.name.publish_name,
            prediction_id=answer.prediction_id,
            predictions=tag_probability_messages(answer.predictions),
        )

    async def SuggestTags(self, request: messages.SuggestTagsRequest, context: Context) -> messages.SuggestTagsResponse:
        """Answers for untagged images and keeps the answers."""
        self._require_training_key(context)
        kept = await self._suggestions.suggest(request.project_id, request.iteration_id, list(request.image_ids))
        return messages.SuggestTagsResponse(suggestions=map(_suggestion_message, kept))

    async def ListModels(self, request: messages.ListModelsRequest, context: Context) -> messages.ListModelsResponse:
        """Returns a page of the models that this server knows."""
        size = page_size_of(request.page_size)
        start = decode_page_token(request.page_token, request.project_id) or 0
        models, more = self._registry.page(request.project_id, start, size)
        return messages.ListModelsResponse(
            models=map(served_model_message, models),
            next_page_token=encode_page_token(start + size, request.project_id) if more else "",
        )

    async def WatchModels(
        self, request: messages.WatchModelsRequest, context: Context
    ) -> AsyncIterator[messages.ModelEvent]:
        """Tells every known model, then each change."""
        async with aclosing(watch_models(self._registry, request.project_id)) as news:
            async for told in news:
                yield model_event_message(told)

    def _require_training_key(self, context: Context) -> None:
        """Raises KeyNotSufficient where the call carries the prediction key only."""
        self._key_ring.authenticate(context.invocation_metadata() or (), TRAINING_KEY_ONLY)


def _question(request: messages.PredictRequest) -> Question:
    return Question(
        project_id=request.project_id,
        publish_name=request.publish_name,
        iteration_id=request.iteration_id,
        image_data=request.image_data,
        image_url=request.image_url,
        store=request.store,
        application=request.application,
    )


def _suggestion_message(suggestion: Suggestion) -> suggestions_pb2.Suggestion:
    message = suggestions_pb2.Suggestion(
        image_id=suggestion.image_id,
        project_id=suggestion.project_id,
        iteration_id=suggestion.iteration_id,
        predictions=tag_probability_messages(suggestion.predictions),
        uncertainty=suggestion.uncertainty,
    )
    message.create_time.FromDatetime(suggestion.create_time)
    return message
