"""The gRPC face of evaluation: how iterations do, image by image, against one another, and on a user's test set."""

from collections.abc import AsyncIterator
from typing import Any, Protocol

from customvision.common.opening_stream import OpeningStream
from customvision.common.pagination import checked_skip, decode_page_token, encode_page_token, page_size_of
from customvision.training.evaluation.iteration_performance import IterationPerformances
from customvision.training.evaluation.messages import (
    comparison_message,
    curve_message,
    performance_message,
    result_filter_of,
    results_messages,
    test_set_message,
)
from customvision.training.evaluation.spool import SentImage
from customvision.training.evaluation.user_test_sets import UserTestSets
from customvision.training.request_fields import required
from customvision.v1 import training_service_pb2

DEFAULT_THRESHOLD = 0.5


class HasThreshold(Protocol):
    """A request with an optional threshold."""

    threshold: float

    def HasField(self, field_name: Any, /) -> bool:
        """Returns whether a field is present."""


class EvaluationMethods:
    """Translates the calls about how iterations do."""

    _performances: IterationPerformances
    _test_sets: UserTestSets

    async def GetPerformance(
        self, request: training_service_pb2.GetPerformanceRequest, context: Any
    ) -> training_service_pb2.IterationPerformance:
        """Returns how an iteration does on its held-out images."""
        performance = await self._performances.of(*_iteration(request), _threshold(request))
        return performance_message(request.iteration_id, performance, figures_only=request.figures_only)

    async def GetPrecisionRecallCurve(
        self, request: training_service_pb2.GetPrecisionRecallCurveRequest, context: Any
    ) -> training_service_pb2.PrecisionRecallCurve:
        """Returns how precision and recall go with the threshold."""
        return curve_message(await self._performances.curve(*_iteration(request), request.tag_id))

    async def ListImageResults(
        self, request: training_service_pb2.ListImageResultsRequest, context: Any
    ) -> training_service_pb2.ListImageResultsResponse:
        """Returns one page of results."""
        wanted = result_filter_of(request)
        threshold, skip = _threshold(request), checked_skip(request.skip)
        filters = ("image_results", request.project_id, request.iteration_id, threshold, wanted, skip)
        after = decode_page_token(request.page_token, *filters)
        first = skip if after is None else after
        following = first + page_size_of(request.page_size)
        results, total = await self._performances.results(
            *_iteration(request), threshold, wanted, after=first, size=following - first
        )
        return training_service_pb2.ListImageResultsResponse(
            results=results_messages(results),
            next_page_token=encode_page_token(following, *filters) if total > following else "",
            total_count=total,
        )

    async def CompareIterations(
        self, request: training_service_pb2.CompareIterationsRequest, context: Any
    ) -> training_service_pb2.IterationComparison:
        """Holds two iterations against each other."""
        other = required("other_iteration_id", request.other_iteration_id)
        return comparison_message(await self._performances.comparison(*_iteration(request), other, _threshold(request)))

    async def EvaluateIteration(
        self, request_iterator: AsyncIterator[training_service_pb2.EvaluateIterationRequest], context: Any
    ) -> training_service_pb2.EvaluateIterationResponse:
        """Measures an iteration on images that nobody keeps."""
        stream: OpeningStream[training_service_pb2.EvaluateIterationRequest] = OpeningStream(request_iterator, "image")
        header = (await stream.header()).header
        images = (
            SentImage(message.image.image_id, message.image.data, message.image.tag_names)
            async for message in stream.rest()
        )
        outcome = await self._test_sets.evaluate(*_iteration(header), _threshold(header), images)
        return test_set_message(header.iteration_id, outcome)


def _iteration(request: Any) -> tuple[str, str]:
    return required("project_id", request.project_id), required("iteration_id", request.iteration_id)


def _threshold(request: HasThreshold) -> float:
    return request.threshold if request.HasField("threshold") else DEFAULT_THRESHOLD
