"""Answers that the suite keeps: stored predictions, and suggestions for untagged images."""

from collections.abc import Sequence
from datetime import datetime

from google.protobuf import timestamp_pb2

from customvision.client.operations import paging
from customvision.client.steps import Steps
from customvision.v1 import stored_predictions_pb2, suggestions_pb2


def list_predictions(
    project_id: str,
    iteration_id: str,
    application: str,
    start_time: datetime | None,
    end_time: datetime | None,
    tags: Sequence[stored_predictions_pb2.PredictionTagFilter],
    order: "stored_predictions_pb2.PredictionOrder.ValueType",
) -> Steps[None]:
    """Emits the stored predictions that match all that is given."""
    request = stored_predictions_pb2.ListPredictionsRequest(
        project_id=project_id,
        iteration_id=iteration_id,
        application=application,
        start_time=_timestamp(start_time),
        end_time=_timestamp(end_time),
        tags=tags,
        order=order,
    )
    return paging.list_all("project", "ListPredictions", request, "predictions")


def list_suggestions(
    project_id: str,
    iteration_id: str,
    tag_ids: Sequence[str],
    threshold: float | None,
    order: "suggestions_pb2.SuggestionOrder.ValueType",
) -> Steps[None]:
    """Emits the suggestions of an iteration that match all that is given."""
    request = suggestions_pb2.ListSuggestionsRequest(
        project_id=project_id, iteration_id=iteration_id, tag_ids=tag_ids, threshold=threshold, order=order
    )
    return paging.list_all("project", "ListSuggestions", request, "suggestions")


def _timestamp(time: datetime | None) -> timestamp_pb2.Timestamp | None:
    if time is None:
        return None
    timestamp = timestamp_pb2.Timestamp()
    timestamp.FromDatetime(time)
    return timestamp
