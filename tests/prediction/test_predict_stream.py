"""What PredictStream answers, and how it keeps within bounds."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from functools import partial

import grpc
import pytest

from customvision.common.channel import open_channel
from customvision.common.keys import Keys
from customvision.common.open_streams import MOST, OpenStreams
from customvision.common.processors import available_cores
from customvision.common.status import error_from_call
from customvision.prediction import streams
from customvision.v1 import prediction_service_pb2 as messages
from models import model
from pictures import photo
from prediction.held_predictions import HeldPredictions
from prediction.running_suite import PATIENCE_SECONDS, Prediction, Suite
from prediction.test_stored_predictions import until
from told_metrics import until_ended

RED = photo(1, color=(220, 40, 90))
AT_ONCE = 4 * available_cores()
Call = grpc.aio.StreamStreamCall[messages.PredictStreamRequest, messages.PredictStreamResponse]


def asked(request_id: object, image_data: bytes = RED, **fields: object) -> messages.PredictStreamRequest:
    """Returns a question to the model "m" of the project "p", unless told otherwise."""
    given = {"project_id": "p", "publish_name": "m", "image_data": image_data} | fields
    question = messages.PredictRequest(**given)  # type: ignore[arg-type]
    return messages.PredictStreamRequest(request_id=str(request_id), question=question)


async def answers_to(
    prediction: Prediction, questions: Iterable[messages.PredictStreamRequest]
) -> dict[str, messages.PredictStreamResponse]:
    """Asks over one stream and returns the answers by id."""
    call = prediction.stub.PredictStream(iter(questions), timeout=2 * PATIENCE_SECONDS)
    return {answer.request_id: answer async for answer in call}


async def answer_of(call: Call) -> messages.PredictStreamResponse:
    """Reads the next answer."""
    answer = await call.read()
    assert isinstance(answer, messages.PredictStreamResponse)
    return answer


async def rest_of(call: Call) -> list[messages.PredictStreamResponse]:
    """Reads a stream to its end."""
    answers = []
    while (answer := await call.read()) is not grpc.aio.EOF:
        assert isinstance(answer, messages.PredictStreamResponse)
        answers.append(answer)
    return answers


@pytest.fixture
async def prediction(suite: Suite) -> AsyncIterator[Prediction]:
    """A prediction service that serves one model."""
    suite.project.publish("p", "m", "i", model())
    async with suite.prediction() as prediction:
        await prediction.serving("i")
        yield prediction


async def test_every_question_is_answered_under_its_id(suite: Suite, prediction: Prediction) -> None:
    """Answers say what Predict says, whichever model each question asks."""
    suite.project.publish("p", "other", "i2", model(("b", "g", "r")))
    await prediction.serving("i", "i2")
    names = ["m" if number % 3 else "other" for number in range(50)]
    questions = [asked(number, publish_name=name) for number, name in enumerate(names)]
    answers = await answers_to(prediction, questions)
    alone = {name: await prediction.predict("p", name, RED) for name in ("m", "other")}
    assert {number: answers[str(number)].response for number in range(50)} == {
        number: alone[name] for number, name in enumerate(names)
    }
    assert len(answers) == 50


async def test_what_is_wrong_with_a_question_is_told_under_its_id(prediction: Prediction) -> None:
    """Damaged images, unknown models, missing fields and ids that are too long fail alone; the stream goes on."""
    long_id = "x" * 129
    questions = [
        asked("damaged", RED[: len(RED) // 2]),
        asked("nothing", publish_name="none" * 1000),
        asked("both", image_url="http://example.com/a.jpg"),
        messages.PredictStreamRequest(request_id="empty"),
        asked(long_id),
        asked("good"),
    ]
    answers = await answers_to(prediction, questions)
    failures = {request_id: answer.failure for request_id, answer in answers.items() if answer.HasField("failure")}
    assert {request_id: failure.reason for request_id, failure in failures.items()} == {
        "damaged": "IMAGE_FORMAT_UNKNOWN",
        "nothing": "MODEL_NOT_PUBLISHED",
        "both": "FIELDS_EXCLUSIVE",
        "empty": "PROJECT_ID_MISSING",
        long_id[:128]: "TEXT_TOO_LONG",
    }
    assert failures["nothing"].code == grpc.StatusCode.NOT_FOUND.value[0]
    assert len(failures["nothing"].message.encode()) <= 1000
    assert answers["good"].response.iteration_id == "i"


async def test_an_iteration_needs_the_training_key(suite: Suite, prediction: Prediction, keys: Keys) -> None:
    """With the prediction key such a question is refused, and the others are answered."""
    suite.project.complete("p", "i9", model())
    questions = [asked("iteration", publish_name="", iteration_id="i9"), asked("published")]
    assert (await answers_to(prediction, questions))["iteration"].response.iteration_id == "i9"
    async with open_channel(prediction.address, Keys(training_key=keys.prediction_key, prediction_key="")) as channel:
        answers = await answers_to(Prediction(channel, prediction.address, prediction.stop), questions)
    failure = answers["iteration"].failure
    assert (failure.code, failure.reason) == (grpc.StatusCode.PERMISSION_DENIED.value[0], "KEY_NOT_SUFFICIENT")
    assert answers["published"].response.iteration_id == "i"


async def test_answers_are_kept_where_a_question_asks(suite: Suite, prediction: Prediction) -> None:
    """Each question says for itself whether image and answer are kept."""
    answers = await answers_to(prediction, [asked("kept", store=True, application="shop"), asked("not")])
    await until(lambda: suite.project.recorded)
    assert answers["kept"].response.prediction_id == suite.project.recorded[0].prediction_id
    assert answers["not"].response.prediction_id == ""


async def test_a_flood_is_slowed_and_never_refused(prediction: Prediction, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that sends far more than it reads holds a few threads' work, and all of it is answered in the end."""
    held = HeldPredictions(monkeypatch)
    count = 20 * AT_ONCE
    call = prediction.stub.PredictStream(asked(number) for number in range(count))
    await held.until_begun(AT_ONCE // 2)
    # Another caller of the project is refused nothing: the stream has taken a few places, not all that there are.
    other = asyncio.ensure_future(prediction.predict("p", "m", RED))
    await asyncio.sleep(0)
    held.release()
    assert (await other).iteration_id == "i"
    answers = await rest_of(call)
    assert sorted(int(answer.request_id) for answer in answers) == list(range(count))
    assert all(answer.HasField("response") for answer in answers)


async def test_a_stream_that_is_left_computes_no_more(prediction: Prediction, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits when the caller goes is never begun, and its places are free."""
    held = HeldPredictions(monkeypatch)
    call = prediction.stub.PredictStream(asked(number) for number in range(10 * AT_ONCE))
    await held.until_begun(AT_ONCE // 2)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call.read()
    await until_ended(prediction.channel, "PredictStream")
    held.release()
    await prediction.predict("p", "m", RED)
    assert held.begun <= AT_ONCE // 2 + 1


async def test_a_drain_answers_what_was_read_and_ends_the_stream(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that is open when the server stops gets the answers to what was read, then UNAVAILABLE."""
    suite.project.publish("p", "m", "i", model())
    async with suite.prediction() as prediction:
        await prediction.serving("i")
        held = HeldPredictions(monkeypatch)
        busy, idle = prediction.stub.PredictStream(), prediction.stub.PredictStream()
        for number in range(2):
            await busy.write(asked(number))
        await held.until_begun(2)
        stopping = asyncio.ensure_future(prediction.stop())
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await rest_of(idle)
        held.release()
        answers = [await answer_of(busy), await answer_of(busy)]
        with pytest.raises(grpc.aio.AioRpcError) as drained:
            await rest_of(busy)
        await stopping
    assert sorted(answer.request_id for answer in answers) == ["0", "1"]
    assert ended.value.code() == drained.value.code() == grpc.StatusCode.UNAVAILABLE
    assert "stopping" in (drained.value.details() or "")


async def test_streams_past_the_bound_are_refused(prediction: Prediction, keys: Keys) -> None:
    """One more than may be open is told when to come back; the other key has room; an end makes room."""
    calls = [prediction.stub.PredictStream() for _ in range(MOST)]
    for call in calls:
        await call.write(asked("open"))
        await answer_of(call)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await rest_of(prediction.stub.PredictStream())
    error = error_from_call(refused.value, service="prediction")
    assert (error.reason, error.retry_after) == ("TOO_MANY_STREAMS", 1.0)
    async with open_channel(prediction.address, Keys(training_key=keys.prediction_key, prediction_key="")) as channel:
        assert await answers_to(Prediction(channel, prediction.address, prediction.stop), [asked("other key")])
    await calls[0].done_writing()
    assert not await rest_of(calls[0])
    assert await answers_to(prediction, [asked("more")])
    for call in calls:
        call.cancel()


async def test_a_stream_that_never_reads_gives_way(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every place taken and answers stuck on their way, its place is given to the next; read on, it ends."""
    monkeypatch.setattr(streams, "OpenStreams", partial(OpenStreams, most=1, silent_seconds=0.0))
    suite.project.publish("p", "m", "i", model(tuple(f"{number:0100}" for number in range(2000))))
    async with suite.prediction() as prediction:
        await prediction.serving("i")
        held = HeldPredictions(monkeypatch)
        held.release()
        silent = prediction.stub.PredictStream()
        for number in range(AT_ONCE):
            await silent.write(asked(number))
        await held.until_begun(AT_ONCE)
        assert (await answers_to(prediction, [asked("next")]))["next"].HasField("response")
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await rest_of(silent)
    assert error_from_call(ended.value, service="prediction").reason == "STREAM_SILENT"


async def test_questions_of_all_streams_share_one_room(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the question of one stream fills it, another's is not read and not refused; then it is answered."""
    monkeypatch.setattr(streams, "MAX_BYTES", len(RED))
    suite.project.publish("p", "m", "i", model())
    async with suite.prediction() as prediction:
        await prediction.serving("i")
        held = HeldPredictions(monkeypatch)
        first = prediction.stub.PredictStream()
        await first.write(asked("first"))
        await held.until_begun(1)
        # Opened before, it might already wait for its question.
        second = prediction.stub.PredictStream()
        await second.write(asked("second"))
        alone = asyncio.ensure_future(prediction.predict("p", "m", RED))
        await held.until_begun(2)
        assert held.begun == 2
        held.release()
        await alone
        assert [(await answer_of(call)).HasField("response") for call in (first, second)] == [True, True]
        first.cancel()
        second.cancel()
