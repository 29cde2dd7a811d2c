"""What Predict answers."""

import asyncio
import zlib

import grpc
import pytest
from PIL import Image

from customvision.common.errors import ServiceError
from customvision.common.keys import Keys
from customvision.common.status import error_from_call
from customvision.v1 import prediction_service_pb2 as messages
from customvision.vision.decoding import EXIF_ORIENTATION
from models import model
from pictures import encoded, photo, picture
from prediction.running_suite import PATIENCE_SECONDS, Suite

RED = photo(1, color=(220, 40, 90))


def error_of(raised: pytest.ExceptionInfo[grpc.aio.AioRpcError]) -> ServiceError:
    """Returns the error that a call ended with."""
    return error_from_call(raised.value, service="prediction")


def bomb() -> bytes:
    """Returns a small PNG that says it is 13000 by 13000 pixels."""
    header = (13000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    chunk = b"IHDR" + header
    data = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n"
        + len(header).to_bytes(4, "big")
        + chunk
        + zlib.crc32(chunk).to_bytes(4, "big")
        + len(data).to_bytes(4, "big")
        + b"IDAT"
        + data
        + zlib.crc32(b"IDAT" + data).to_bytes(4, "big")
    )


def turned(image: Image.Image, orientation: int) -> bytes:
    """Returns ``image`` stored so that a viewer that heeds the EXIF orientation shows it as it is."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = image.transpose(undo[orientation]) if orientation in undo else image.copy()
    exif = stored.getexif()
    exif[EXIF_ORIENTATION] = orientation
    return encoded(stored, "PNG", exif=exif)


async def test_answers_every_tag_likeliest_first_and_names_the_iteration(suite: Suite) -> None:
    """A multiclass answer sums to one, is sorted, and says who made it."""
    suite.project.publish("p", "flowers", "iteration-1", model())
    async with suite.prediction() as prediction:
        answer = await prediction.predict("p", "flowers", RED)
    assert [tag.tag_name for tag in answer.predictions] == ["red", "blue", "green"]
    assert [tag.tag_id for tag in answer.predictions] == ["tag-of-red", "tag-of-blue", "tag-of-green"]
    assert sum(tag.probability for tag in answer.predictions) == pytest.approx(1)
    assert (answer.iteration_id, answer.publish_name, answer.prediction_id) == ("iteration-1", "flowers", "")


async def test_multilabel_probabilities_are_independent_and_ties_keep_label_order(suite: Suite) -> None:
    """Two tags of one feature are equally likely and stand in the model's order."""
    suite.project.publish("p", "m", "i", model(("r", "g", "b", "one", "r again"), multilabel=True))
    async with suite.prediction() as prediction:
        answer = await prediction.predict("p", "m", RED)
    assert [tag.tag_name for tag in answer.predictions] == ["one", "r", "r again", "b", "g"]
    assert sum(tag.probability for tag in answer.predictions) > 1


async def test_an_empty_publish_name_means_the_only_model(suite: Suite) -> None:
    """A project with one model needs no name; one with two does, and the error lists them."""
    suite.project.publish("p", "first", "i1", model())
    async with suite.prediction() as prediction:
        assert (await prediction.predict("p", "", RED)).publish_name == "first"
        suite.project.publish("p", "second", "i2", model())
        await prediction.serving("i1", "i2")
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await prediction.predict("p", "", RED)
    assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert error_of(raised).reason == "PUBLISH_NAME_MISSING"
    assert "'first', 'second'" in error_of(raised).message


async def test_an_unknown_name_is_not_found_and_says_what_is_published(suite: Suite) -> None:
    """The caller learns the names that would work, at most five of them."""
    for index in range(7):
        suite.project.publish("p", f"name-{index}", f"i{index}", model())
    async with suite.prediction() as prediction:
        await prediction.until(lambda models: len(models) == 7)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await prediction.predict("p", "no such \U0001f33c", RED)
        with pytest.raises(grpc.aio.AioRpcError) as of_nothing:
            await prediction.predict("other", "", RED)
        with pytest.raises(grpc.aio.AioRpcError) as of_no_project:
            await prediction.predict("", "", RED)
    assert raised.value.code() == grpc.StatusCode.NOT_FOUND
    assert error_of(raised).reason == "MODEL_NOT_PUBLISHED"
    assert "'no such \U0001f33c'" in error_of(raised).message
    assert "'name-4' and 2 more" in error_of(raised).message
    assert "has no published model" in error_of(of_nothing).message
    assert error_of(of_no_project).reason == "PROJECT_ID_MISSING"


async def test_a_call_right_after_publication_is_answered(suite: Suite) -> None:
    """Whoever publishes and asks at once does not meet NOT_FOUND because the news travels still."""
    suite.project.publish("p", "old", "i0", model())
    async with suite.prediction() as prediction:
        await prediction.serving("i0")
        call = asyncio.ensure_future(prediction.predict("p", "new", RED))
        await asyncio.sleep(0)
        suite.project.publish("p", "new", "i1", model())
        assert (await call).iteration_id == "i1"


async def test_every_exif_orientation_gives_the_same_answer(suite: Suite) -> None:
    """A photo is turned upright before the model sees it."""
    upright = picture(3, color=(150, 90, 40), size=(64, 48))
    upright.paste((250, 0, 0), (0, 0, 20, 10))
    suite.project.publish("p", "m", "i", model())
    async with suite.prediction() as prediction:
        answers = [await prediction.predict("p", "m", turned(upright, orientation)) for orientation in range(1, 9)]
    assert all(answer.predictions == answers[0].predictions for answer in answers)


@pytest.mark.parametrize(
    ("data", "reason", "words"),
    [
        (b"", "IMAGE_SIZE_INVALID", "empty"),
        (b"hello, I am a text", "IMAGE_FORMAT_UNKNOWN", "not a readable image"),
        (RED[: len(RED) // 2], "IMAGE_FORMAT_UNKNOWN", "damaged"),
        (RED + bytes(7 * 1024 * 1024), "IMAGE_SIZE_INVALID", "6 MiB"),
        (bomb(), "IMAGE_DIMENSIONS_INVALID", "64 million pixels"),
    ],
    ids=["empty", "text", "truncated", "7 MB", "13000x13000"],
)
async def test_a_bad_image_is_refused_precisely(suite: Suite, data: bytes, reason: str, words: str) -> None:
    """Each kind of bad image has its reason, its field and a sentence; the service goes on."""
    suite.project.publish("p", "m", "i", model())
    async with suite.prediction() as prediction:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await prediction.predict("p", "m", data)
        assert (await prediction.predict("p", "m", RED)).iteration_id == "i"
    assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert error_of(raised).reason == reason
    assert words in error_of(raised).message


async def test_both_keys_open_it_and_no_other(suite: Suite, keys: Keys) -> None:
    """The prediction key suffices, the training key does too, a wrong or missing one does not."""
    suite.project.publish("p", "m", "i", model())
    request = messages.PredictRequest(project_id="p", publish_name="m", image_data=RED)
    for_prediction = Keys(training_key=keys.prediction_key, prediction_key="")
    async with suite.prediction(for_prediction) as prediction:
        assert (await prediction.stub.Predict(request, timeout=PATIENCE_SECONDS)).iteration_id == "i"
    async with suite.prediction() as prediction:
        assert (await prediction.stub.Predict(request, timeout=PATIENCE_SECONDS)).iteration_id == "i"
    wrong = Keys(training_key="w" * 64, prediction_key="")
    async with suite.prediction(wrong) as prediction:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await prediction.stub.Predict(request, timeout=PATIENCE_SECONDS)
    assert error_of(raised).reason == "KEY_WRONG"


async def test_lists_models_page_by_page(suite: Suite) -> None:
    """Pages follow one another by project and name; a token belongs to its filter."""
    for project_id in ("a", "b"):
        for index in range(3):
            suite.project.publish(project_id, f"m{index}", f"{project_id}{index}", model())
    async with suite.prediction() as prediction:
        await prediction.serving("a0", "a1", "a2", "b0", "b1", "b2")
        first = await prediction.stub.ListModels(messages.ListModelsRequest(page_size=4))
        second = await prediction.stub.ListModels(
            messages.ListModelsRequest(page_size=4, page_token=first.next_page_token)
        )
        of_b = await prediction.stub.ListModels(messages.ListModelsRequest(project_id="b"))
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await prediction.stub.ListModels(
                messages.ListModelsRequest(project_id="b", page_token=first.next_page_token)
            )
    assert [m.iteration_id for m in [*first.models, *second.models]] == ["a0", "a1", "a2", "b0", "b1", "b2"]
    assert second.next_page_token == ""
    assert [m.iteration_id for m in of_b.models] == ["b0", "b1", "b2"]
    assert all(m.state == messages.MODEL_STATE_AVAILABLE and m.load_time.seconds > 0 for m in of_b.models)
    assert error_of(raised).reason == "PAGE_TOKEN_INVALID"
