"""Translates between the contract and prediction's own words."""

import time
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc

from customvision.common.authentication import KeyRing
from customvision.common.pagination import decode_page_token, encode_page_token, page_size_of
from customvision.common.server import ANY_KEY
from customvision.prediction.answer_messages import (
    answer_message,
    batch_message,
    batch_questions,
    question_of,
    stream_message,
    stream_questions,
)
from customvision.prediction.batches import Batches
from customvision.prediction.caller import Caller
from customvision.prediction.predictor import Predictor
from customvision.prediction.project_client import tag_probability_messages
from customvision.prediction.registry import Registry
from customvision.prediction.served_model import ModelState, ServedModel
from customvision.prediction.streams import Streams
from customvision.prediction.suggestions import Suggestion, Suggestions
from customvision.v1 import prediction_service_pb2 as messages
from customvision.v1 import suggestions_pb2
from customvision.v1.prediction_service_pb2_grpc import PredictionServiceServicer

Context = grpc.aio.ServicerContext[Any, Any]

_STATES = {
    ModelState.LOADING: messages.MODEL_STATE_LOADING,
    ModelState.AVAILABLE: messages.MODEL_STATE_AVAILABLE,
    ModelState.FAILED: messages.MODEL_STATE_FAILED,
}


class PredictionServicer(PredictionServiceServicer):
    """Serves customvision.v1.PredictionService."""

    def __init__(
        self,
        predictor: Predictor,
        batches: Batches,
        streams: Streams,
        registry: Registry,
        suggestions: Suggestions,
        key_ring: KeyRing,
    ) -> None:
        """``key_ring`` tells with which key a call was made; who may call at all is known before."""
        self._predictor = predictor
        self._batches = batches
        self._streams = streams
        self._registry = registry
        self._suggestions = suggestions
        self._key_ring = key_ring

    async def Predict(self, request: messages.PredictRequest, context: Context) -> messages.PredictResponse:
        """Classifies one image."""
        return answer_message(await self._predictor.predict(question_of(request), self._caller(context)))

    async def PredictBatch(
        self, request: messages.PredictBatchRequest, context: Context
    ) -> messages.PredictBatchResponse:
        """Classifies several images with one model."""
        return batch_message(await self._batches.predict(batch_questions(request), self._caller(context)))

    async def PredictStream(
        self, request_iterator: AsyncIterable[messages.PredictStreamRequest], context: Context
    ) -> AsyncIterator[messages.PredictStreamResponse]:
        """Answers questions as they are ready."""
        async with aclosing(
            self._streams.answers(stream_questions(request_iterator), self._caller(context))
        ) as answers:
            async for answer in answers:
                yield stream_message(answer)

    async def SuggestTags(self, request: messages.SuggestTagsRequest, context: Context) -> messages.SuggestTagsResponse:
        """Answers for untagged images and keeps the answers."""
        kept = await self._suggestions.suggest(
            request.project_id, request.iteration_id, list(request.image_ids), self._caller(context)
        )
        return messages.SuggestTagsResponse(suggestions=map(_suggestion_message, kept))

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

    def _caller(self, context: Context) -> Caller:
        role = self._key_ring.authenticate(context.invocation_metadata() or (), ANY_KEY)
        seconds = context.time_remaining()
        return Caller(role, None if seconds is None else time.monotonic() + seconds)


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
