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
from customvision.prediction.model_messages import model_event_message, served_model_message
from customvision.prediction.model_watch import watch_models
from customvision.prediction.predictor import Predictor
from customvision.prediction.project_client import tag_probability_messages
from customvision.prediction.registry import Registry
from customvision.prediction.streams import Streams
from customvision.prediction.suggestions import Suggestion, Suggestions
from customvision.v1 import prediction_service_pb2 as messages
from customvision.v1 import suggestions_pb2
from customvision.v1.prediction_service_pb2_grpc import PredictionServiceServicer

Context = grpc.aio.ServicerContext[Any, Any]


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
        question = question_of(request)
        # It holds the image once more.
        del request
        return answer_message(await self._predictor.predict(question, self._caller(context)))

    async def PredictBatch(
        self, request: messages.PredictBatchRequest, context: Context
    ) -> messages.PredictBatchResponse:
        """Classifies several images with one model."""
        questions = batch_questions(request)
        del request
        return batch_message(await self._batches.predict(questions, self._caller(context)))

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
