"""Questions about many images through the clients."""

from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from customvision.client import AsyncClient, Client, ClientSettings, CustomVisionError
from customvision.common.open_streams import TooManyStreams
from customvision.common.status import status_of
from customvision.v1 import prediction_service_pb2 as prediction
from scripted_server import ScriptedCall, ScriptedServer

MakeSettings = Callable[..., ClientSettings]
Responses = Iterator[prediction.PredictStreamResponse]


def echo(request: prediction.PredictStreamRequest) -> prediction.PredictStreamResponse:
    """Answers a question with its image's bytes as the iteration."""
    response = prediction.PredictResponse(iteration_id=request.question.image_data.decode())
    return prediction.PredictStreamResponse(request_id=request.request_id, response=response)


def refused(request: prediction.PredictStreamRequest, *, retry: bool = True) -> prediction.PredictStreamResponse:
    """Refuses a question for want of room, or for good."""
    failure = prediction.PredictionFailure(
        code=grpc.StatusCode.RESOURCE_EXHAUSTED.value[0],
        reason="PREDICTION_QUEUE_FULL",
        message="Too many.",
        retry_after=Duration(nanos=1_000_000) if retry else None,
    )
    return prediction.PredictStreamResponse(request_id=request.request_id, failure=failure)


def answered_backwards(call: ScriptedCall) -> Responses:
    """Answers all, the last one first."""
    yield from map(echo, reversed(call.request))


async def test_answers_come_with_their_images(make_settings: MakeSettings, tmp_path: Path) -> None:
    """Bytes, files and URLs are asked about, in whatever order they are answered; a missing file fails alone."""
    file, missing = tmp_path / "b.jpg", tmp_path / "missing.jpg"
    file.write_bytes(b"b")
    images: list[bytes | Path | str] = [b"a", file, missing, "http://example.com/c.jpg"]
    with ScriptedServer({"PredictStream": answered_backwards}) as server:
        with Client(make_settings(server.address)) as client:
            blocking = list(client.predict_stream("p", iter(images), "m", store=True, application="shop"))
        async with AsyncClient(make_settings(server.address)) as awaited:
            answers = [answer async for answer in awaited.predict_stream("p", images, "m", iteration_id="i")]
        first, second = [call.request for call in server.calls["PredictStream"]]
    for found in (blocking, answers):
        by_index = {answer.index: answer for answer in found}
        assert [by_index[index].image for index in range(4)] == images
        assert [it.response.iteration_id if it.response else None for _, it in sorted(by_index.items())] == [
            "a", "b", None, "",
        ]  # fmt: skip
        assert by_index[2].error is not None
        assert by_index[2].error.reason == "FILE_UNREADABLE"
    assert [request.question for request in first] == [
        prediction.PredictRequest(project_id="p", publish_name="m", store=True, application="shop", **image)
        for image in ({"image_data": b"a"}, {"image_data": b"b"}, {"image_url": "http://example.com/c.jpg"})
    ]
    assert {request.question.iteration_id for request in second} == {"i"}


def test_a_question_without_room_is_sent_again(make_settings: MakeSettings) -> None:
    """A failure that says when to come back is no answer yet; one that does not is."""

    def busy(call: ScriptedCall) -> Responses:
        for request in call.request:
            if request.question.image_data == b"never":
                yield refused(request, retry=False)
            else:
                yield refused(request) if call.number < 3 else echo(request)

    with ScriptedServer({"PredictStream": busy}) as server, Client(make_settings(server.address)) as client:
        answers = {answer.image: answer for answer in client.predict_stream("p", [b"a", b"never", b"b"])}
        sent = [[it.question.image_data for it in call.request] for call in server.calls["PredictStream"]]
    assert [answers[image].response for image in (b"a", b"b")] == [
        prediction.PredictResponse(iteration_id="a"),
        prediction.PredictResponse(iteration_id="b"),
    ]
    error = answers[b"never"].error
    assert error is not None
    assert (error.reason, error.code) == ("PREDICTION_QUEUE_FULL", grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert sent == [[b"a", b"never", b"b"], [b"a", b"b"], [b"a", b"b"]]


def test_a_service_without_room_for_long_is_told(make_settings: MakeSettings) -> None:
    """After ten attempts the refusal is the answer."""

    def full(call: ScriptedCall) -> Responses:
        yield from map(refused, call.request)

    with ScriptedServer({"PredictStream": full}) as server, Client(make_settings(server.address)) as client:
        (answer,) = client.predict_stream("p", [b"a"])
        assert len(server.calls["PredictStream"]) == 10
    assert answer.error is not None
    assert answer.error.retry_after == 0.001


def test_a_stream_that_breaks_goes_on_where_it_was(make_settings: MakeSettings) -> None:
    """Only what was not answered is asked again."""

    def breaking(call: ScriptedCall) -> Responses:
        yield echo(call.request[0])
        if call.number == 1:
            call.fail(grpc.StatusCode.UNAVAILABLE)
        yield from map(echo, call.request[1:])

    with ScriptedServer({"PredictStream": breaking}) as server, Client(make_settings(server.address)) as client:
        answers = list(client.predict_stream("p", [b"a", b"b", b"c"]))
        sent = [[it.question.image_data for it in call.request] for call in server.calls["PredictStream"]]
    assert [answer.image for answer in answers] == [b"a", b"b", b"c"]
    assert sent == [[b"a", b"b", b"c"], [b"b", b"c"]]


def test_a_stream_without_a_place_is_opened_again(make_settings: MakeSettings) -> None:
    """A stream that is refused as one too many is opened again after the time that the service says."""

    def crowded(call: ScriptedCall) -> Responses:
        if call.number == 1:
            call.context.abort_with_status(status_of(TooManyStreams("Too many are open.", retry_after=0.001)))
        yield from map(echo, call.request)

    with ScriptedServer({"PredictStream": crowded}) as server, Client(make_settings(server.address)) as client:
        (answer,) = client.predict_stream("p", [b"a"])
    assert answer.response is not None


def test_a_service_that_is_not_there_is_told_at_once(make_settings: MakeSettings) -> None:
    """Patience is for a stream that has answered."""
    with Client(make_settings("127.0.0.1:9")) as client, pytest.raises(CustomVisionError, match="Nothing answers"):
        list(client.predict_stream("p", [b"a"], patience_seconds=60))


def test_an_error_of_the_images_reaches_the_caller(make_settings: MakeSettings) -> None:
    """Whatever reads the images may fail; what was read before is answered."""

    def images() -> Iterator[bytes]:
        yield b"a"
        raise OSError("the camera is gone")

    with (
        ScriptedServer({"PredictStream": answered_backwards}) as server,
        Client(make_settings(server.address)) as client,
    ):
        answers = client.predict_stream("p", images())
        assert next(answers).image == b"a"
        with pytest.raises(OSError, match="camera"):
            next(answers)


async def test_a_batch_travels_in_one_call(make_settings: MakeSettings, tmp_path: Path) -> None:
    """Bytes, files and URLs stand in order in one request, through both clients."""
    file = tmp_path / "b.jpg"
    file.write_bytes(b"b")
    images: list[bytes | Path | str] = [b"a", file, "http://example.com/c.jpg"]
    answer = prediction.PredictBatchResponse(iteration_id="i")
    with ScriptedServer({"PredictBatch": lambda _: answer}) as server:
        with Client(make_settings(server.address)) as client:
            assert client.predict_batch("p", images, "m", store=True, application="shop") == answer
        async with AsyncClient(make_settings(server.address)) as awaited:
            assert await awaited.predict_batch("p", images, iteration_id="i") == answer
        first, second = [call.request for call in server.calls["PredictBatch"]]
    assert first == prediction.PredictBatchRequest(
        project_id="p",
        publish_name="m",
        store=True,
        application="shop",
        images=[
            prediction.BatchImage(image_data=b"a"),
            prediction.BatchImage(image_data=b"b"),
            prediction.BatchImage(image_url="http://example.com/c.jpg"),
        ],
    )
    assert (second.iteration_id, len(second.images)) == ("i", 3)
