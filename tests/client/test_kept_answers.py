"""Lists of stored predictions and suggestions through the clients."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

from customvision.client import AsyncClient, Client, ClientSettings
from customvision.v1 import stored_predictions_pb2, suggestions_pb2
from scripted_server import ScriptedCall, ScriptedServer

MakeSettings = Callable[..., ClientSettings]


def predictions(call: ScriptedCall) -> stored_predictions_pb2.ListPredictionsResponse:
    """Answers two pages of one prediction."""
    return stored_predictions_pb2.ListPredictionsResponse(
        predictions=[stored_predictions_pb2.StoredPrediction(prediction_id=call.request.page_token or "first")],
        next_page_token="" if call.request.page_token else "second",
    )


def suggestions(call: ScriptedCall) -> suggestions_pb2.ListSuggestionsResponse:
    """Answers one suggestion."""
    return suggestions_pb2.ListSuggestionsResponse(
        suggestions=[suggestions_pb2.Suggestion(image_id=call.request.iteration_id)]
    )


def test_filters_of_predictions_travel_with_every_page(make_settings: MakeSettings) -> None:
    """All that can be asked for arrives, times in UTC, also with the second page."""
    tag = stored_predictions_pb2.PredictionTagFilter(tag_id="t", min_probability=0.5)
    with ScriptedServer({"ListPredictions": predictions}) as server, Client(make_settings(server.address)) as client:
        found = client.list_predictions(
            "p",
            iteration_id="i",
            application="gate",
            start_time=datetime(2026, 11, 1, 12, tzinfo=timezone(timedelta(hours=2))),
            end_time=datetime(2026, 11, 2),  # noqa: DTZ001 - without a time zone
            tags=[tag],
            order=stored_predictions_pb2.PREDICTION_ORDER_SUGGESTED,
        )
        assert [prediction.prediction_id for prediction in found] == ["first", "second"]
        requests = [call.request for call in server.calls["ListPredictions"]]
    for request in requests:
        assert (request.project_id, request.iteration_id, request.application) == ("p", "i", "gate")
        assert request.start_time.ToDatetime(tzinfo=UTC) == datetime(2026, 11, 1, 10, tzinfo=UTC)
        assert request.end_time.ToDatetime(tzinfo=UTC) == datetime(2026, 11, 2, tzinfo=UTC)
        assert (list(request.tags), request.order) == ([tag], stored_predictions_pb2.PREDICTION_ORDER_SUGGESTED)


async def test_suggestions_are_asked_for_with_their_filter(make_settings: MakeSettings) -> None:
    """A threshold of 0 is not the same as none; nothing is asked for that was not said."""
    with ScriptedServer({"ListSuggestions": suggestions, "ListPredictions": predictions}) as server:
        async with AsyncClient(make_settings(server.address)) as client:
            first = [found.image_id async for found in client.list_suggestions("p", "i", tag_ids=["t"], threshold=0.0)]
            assert first == ["i"]
            assert [found.image_id async for found in client.list_suggestions("p", "j")] == ["j"]
            assert len([found async for found in client.list_predictions("p")]) == 2
        filtered, plain = [call.request for call in server.calls["ListSuggestions"]]
        everything = server.calls["ListPredictions"][0].request
    assert (list(filtered.tag_ids), filtered.HasField("threshold"), filtered.threshold) == (["t"], True, 0)
    assert (list(plain.tag_ids), plain.HasField("threshold")) == ([], False)
    assert not everything.HasField("start_time")
    assert not everything.HasField("end_time")
