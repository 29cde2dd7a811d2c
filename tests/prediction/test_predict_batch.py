"""What PredictBatch answers."""

import asyncio
from collections.abc import Sequence

import grpc
import pytest

from customvision.common.keys import Keys
from customvision.common.processors import available_cores
from customvision.prediction.admission import Admission
from customvision.v1 import prediction_service_pb2 as messages
from models import model
from pictures import photo
from prediction.held_predictions import HeldPredictions
from prediction.running_suite import PATIENCE_SECONDS, Prediction, Suite
from prediction.test_stored_predictions import until
from project_calls import refusal_of
from told_metrics import until_ended

RED, GREEN, BLUE = (
    photo(seed, color=color) for seed, color in enumerate([(220, 40, 90), (40, 220, 90), (20, 30, 220)])
)
DAMAGED = RED[: len(RED) // 2]
INVALID = grpc.StatusCode.INVALID_ARGUMENT.value[0]


def batch(images: Sequence[bytes], **fields: object) -> messages.PredictBatchRequest:
    """Returns a question about images to the model "m" of the project "p", unless told otherwise."""
    given = {"project_id": "p", "publish_name": "m"} | fields
    batch_images = [messages.BatchImage(image_data=image) for image in images]
    return messages.PredictBatchRequest(images=batch_images, **given)  # type: ignore[arg-type]


async def ask(prediction: Prediction, request: messages.PredictBatchRequest) -> messages.PredictBatchResponse:
    """Asks."""
    return await prediction.stub.PredictBatch(request, timeout=2 * PATIENCE_SECONDS)


async def test_answers_each_image_like_predict_in_order(suite: Suite) -> None:
    """Results stand where their images stood, and say what a call of its own would have."""
    suite.project.publish("p", "m", "i", model())
    async with suite.prediction() as prediction:
        answer = await ask(prediction, batch([BLUE, RED, GREEN, RED]))
        alone = [await prediction.predict("p", "m", image) for image in (BLUE, RED, GREEN, RED)]
    assert (answer.iteration_id, answer.publish_name) == ("i", "m")
    assert [result.predictions for result in answer.results] == [single.predictions for single in alone]
    assert [result.predictions[0].tag_name for result in answer.results] == ["blue", "red", "green", "red"]
    assert not any(result.prediction_id or result.HasField("failure") for result in answer.results)


async def test_damaged_images_among_64_fail_alone(suite: Suite) -> None:
    """Each bad image has its code, reason and sentence; the others are answered."""
    suite.project.publish("p", "m", "i", model())
    images = [RED] * 64
    images[3], images[63] = DAMAGED, b""
    async with suite.prediction() as prediction:
        answer = await ask(prediction, batch(images))
    failed = {index: result.failure for index, result in enumerate(answer.results) if result.HasField("failure")}
    assert len(answer.results) == 64
    assert {index: (it.code, it.reason) for index, it in failed.items()} == {
        3: (INVALID, "IMAGE_FORMAT_UNKNOWN"),
        63: (INVALID, "IMAGE_SIZE_INVALID"),
    }
    assert "damaged" in failed[3].message
    assert all(result.predictions for index, result in enumerate(answer.results) if index not in failed)


async def test_answers_are_kept_each_under_its_id(suite: Suite) -> None:
    """With store, every image that was answered is kept with the label; what failed is not."""
    suite.project.publish("p", "m", "i", model())
    async with suite.prediction() as prediction:
        answer = await ask(prediction, batch([RED, DAMAGED, BLUE], store=True, application="shop"))
        await until(lambda: len(suite.project.recorded) == 2)
    kept = {record.prediction_id: record for record in suite.project.recorded}
    assert [bool(result.prediction_id) for result in answer.results] == [True, False, True]
    assert kept[answer.results[0].prediction_id].image_data == RED
    assert kept[answer.results[2].prediction_id].image_data == BLUE
    assert {record.application for record in kept.values()} == {"shop"}


async def test_urls_and_bytes_may_stand_side_by_side_but_not_both_for_one(suite: Suite) -> None:
    """An image that is given twice, or whose URL is refused, fails alone."""
    suite.project.publish("p", "m", "i", model())
    request = batch([RED, RED])
    request.images[1].image_url = "http://example.com/a.jpg"
    request.images.add(image_url="http://127.0.0.1/a.jpg")
    async with suite.prediction() as prediction:
        answer = await ask(prediction, request)
    assert [result.failure.reason for result in answer.results] == ["", "FIELDS_EXCLUSIVE", "URL_REFUSED"]


async def test_what_concerns_all_images_fails_the_call(suite: Suite) -> None:
    """No image, too many, no project, no model, two models, too long a label."""
    suite.project.publish("p", "m", "i", model())
    refused = {
        "NOTHING_GIVEN": batch([]),
        "TOO_MANY_ITEMS": batch([RED] * 65),
        "PROJECT_ID_MISSING": batch([RED], project_id=""),
        "MODEL_NOT_PUBLISHED": batch([RED], publish_name="none"),
        "FIELDS_EXCLUSIVE": batch([RED], iteration_id="i"),
        "TEXT_TOO_LONG": batch([RED], application="a" * 257),
    }
    async with suite.prediction() as prediction:
        for reason, request in refused.items():
            assert (await refusal_of(ask(prediction, request))).reason == reason


async def test_an_iteration_needs_the_training_key(suite: Suite, keys: Keys) -> None:
    """The prediction key asks what is published; an iteration of its choice it does not."""
    suite.project.complete("p", "i", model())
    request = batch([RED], publish_name="", iteration_id="i")
    async with suite.prediction() as prediction:
        assert (await ask(prediction, request)).iteration_id == "i"
    async with suite.prediction(Keys(training_key=keys.prediction_key, prediction_key="")) as prediction:
        assert (await refusal_of(ask(prediction, request))).reason == "KEY_NOT_SUFFICIENT"


async def test_a_batch_keeps_every_thread_busy_and_ends_with_its_caller(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alone it uses all threads; when its caller leaves, the images that were not begun never are."""
    suite.project.publish("p", "m", "i", model())
    workers = 2 * available_cores()
    async with suite.prediction() as prediction:
        await prediction.serving("i")
        held = HeldPredictions(monkeypatch)
        call = asyncio.ensure_future(ask(prediction, batch([RED] * 64)))
        await held.until_begun(workers)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await until_ended(prediction.channel, "PredictBatch")
        held.release()
        # Their threads are free again, and what waited before this call would have been begun before it.
        await prediction.predict("p", "m", RED)
    assert held.begun <= workers + 1


async def test_a_batch_holds_its_bytes_while_its_model_loads(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for one batch, a second is refused though neither has begun to be computed; the first is answered."""
    monkeypatch.setattr(Admission.__init__, "__kwdefaults__", {"max_bytes": 4 * 2 * len(RED)})
    digest = suite.project.complete("p", "i", model())
    suite.project.held[digest] = asyncio.Event()
    async with suite.prediction() as prediction:
        asked = batch([RED, RED], publish_name="", iteration_id="i")
        first = asyncio.ensure_future(ask(prediction, asked))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while digest not in suite.project.fetched:
                await asyncio.sleep(0.01)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await ask(prediction, asked)
        suite.project.held[digest].set()
        answer = await first
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert [result.predictions[0].tag_name for result in answer.results] == ["red", "red"]
