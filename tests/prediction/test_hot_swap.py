"""Publishing over a name that answers."""

import asyncio
import threading
import time
from collections.abc import Callable

import grpc
import pytest

from customvision.common.status import error_from_call
from customvision.prediction.model import Model, TagProbability
from customvision.v1 import prediction_service_pb2 as messages
from models import model
from pictures import photo
from prediction.running_suite import PATIENCE_SECONDS, Suite

RED = photo(1, color=(220, 40, 90))


async def test_a_hundred_swaps_under_load_fail_no_call(suite: Suite) -> None:
    """Four callers ask all the while; each answer's labels are those of the iteration that it names."""
    suite.project.publish("p", "m", "0", model(("of 0", "other")))
    async with suite.prediction() as prediction:
        await prediction.serving("0")
        swapped = asyncio.Event()

        async def ask() -> set[str]:
            seen = set()
            while not swapped.is_set():
                answer = await prediction.predict("p", "m", RED)
                assert {tag.tag_name for tag in answer.predictions} == {f"of {answer.iteration_id}", "other"}
                seen.add(answer.iteration_id)
            return seen

        callers = [asyncio.create_task(ask()) for _ in range(4)]
        for number in range(1, 101):
            suite.project.publish("p", "m", str(number), model((f"of {number}", "other")))
            await prediction.serving(str(number))
        swapped.set()
        assert len(set.union(*await asyncio.gather(*callers))) > 10


async def test_a_published_model_answers_within_a_tenth_of_a_second(suite: Suite) -> None:
    """From the news of a publication to the new iteration's first answer it takes at most 100 ms at the median."""
    suite.project.publish("p", "m", "start", model())
    times = []
    async with suite.prediction() as prediction:
        await prediction.serving("start")
        for number in range(5):
            artifact = model((f"a{number}", "b", "c"))
            began = time.perf_counter()
            suite.project.publish("p", "m", str(number), artifact)
            while (await prediction.predict("p", "m", RED)).iteration_id != str(number):
                pass
            times.append(time.perf_counter() - began)
    assert sorted(times)[2] < 0.1


async def test_the_older_model_answers_while_a_newer_one_loads(suite: Suite) -> None:
    """Until the new model is warm the old one answers, and ListModels shows both."""
    suite.project.publish("p", "m", "old", model())
    async with suite.prediction() as prediction:
        await prediction.serving("old")
        newer = model(("x", "y", "z"))
        release = asyncio.Event()
        suite.project.held[suite.project.add_artifact(newer.to_bytes())] = release
        suite.project.publish("p", "m", "new", newer)
        (shown,) = await prediction.until(lambda models: models[0].iteration_id == "new")
        assert (shown.state, shown.serving_iteration_id) == (messages.MODEL_STATE_LOADING, "old")
        assert (await prediction.predict("p", "m", RED)).iteration_id == "old"
        release.set()
        await prediction.serving("new")
        assert (await prediction.predict("p", "m", RED)).iteration_id == "new"


async def test_going_back_is_publishing_the_older_iteration(suite: Suite) -> None:
    """An older iteration takes the name over again; one whose files another name needs is not even fetched."""
    old = suite.project.publish("p", "m", "old", model())
    suite.project.publish("p", "kept", "old", model())
    async with suite.prediction() as prediction:
        await prediction.serving("old", "old")
        suite.project.publish("p", "m", "new", model(("x", "y")))
        await prediction.serving("new", "old")
        suite.project.publish("p", "m", "old", model())
        await prediction.serving("old", "old")
        assert (await prediction.predict("p", "m", RED)).predictions[0].tag_name == "red"
    assert suite.project.fetched.count(old) == 1


async def test_what_is_withdrawn_answers_the_calls_that_have_begun(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model, its network included, stays until its last call has ended, though its name is gone or another's."""
    begun, released, predict = threading.Event(), threading.Event(), Model.predict

    def predict_late(asked: Model, image_data: bytes, is_alone: Callable[[], bool]) -> list[TagProbability]:
        begun.set()
        released.wait(PATIENCE_SECONDS)
        return predict(asked, image_data, is_alone)

    monkeypatch.setattr(Model, "predict", predict_late)
    suite.project.publish("p", "gone", "1", model())
    suite.project.publish("p", "taken", "2", model())
    async with suite.prediction() as prediction:
        await prediction.serving("1", "2")
        calls = [asyncio.ensure_future(prediction.predict("p", name, RED)) for name in ("gone", "taken")]
        await asyncio.to_thread(begun.wait, PATIENCE_SECONDS)
        await prediction.until(lambda models: all(model.HasField("last_use_time") for model in models))
        suite.project.unpublish("p", "gone")
        suite.project.publish("p", "taken", "3", model(("x", "y")))
        await prediction.serving("3")
        released.set()
        assert [answer.iteration_id for answer in await asyncio.gather(*calls)] == ["1", "2"]


async def test_a_call_waits_for_a_first_load_and_not_past_its_deadline(suite: Suite) -> None:
    """A call for a name whose first model is on its way is answered once it is there, or ends at its deadline."""
    artifact = model()
    release = asyncio.Event()
    suite.project.held[suite.project.add_artifact(artifact.to_bytes())] = release
    suite.project.publish("p", "m", "i", artifact)
    request = messages.PredictRequest(project_id="p", publish_name="m", image_data=RED)
    async with suite.prediction() as prediction:
        await prediction.until(lambda models: len(models) == 1)
        waiting = asyncio.ensure_future(prediction.predict("p", "m", RED))
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await prediction.stub.Predict(request, timeout=0.3)
        assert raised.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
        assert not waiting.done()
        release.set()
        assert (await asyncio.wait_for(waiting, PATIENCE_SECONDS)).iteration_id == "i"


async def test_what_is_unpublished_is_not_found(suite: Suite) -> None:
    """A name that was taken out of service answers no more."""
    suite.project.publish("p", "m", "i", model())
    async with suite.prediction() as prediction:
        await prediction.serving("i")
        suite.project.unpublish("p", "m")
        await prediction.serving()
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await prediction.predict("p", "m", RED)
    assert raised.value.code() == grpc.StatusCode.NOT_FOUND
    assert error_from_call(raised.value, service="prediction").reason == "MODEL_NOT_PUBLISHED"
