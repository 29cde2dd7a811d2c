"""Iterations that are asked by id, published or not."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest

from customvision.common.errors import ServiceError
from customvision.common.keys import Keys
from customvision.prediction.iteration_models import MAX_MODELS, IterationModels
from customvision.prediction.publication import ModelName, PublishedModel
from customvision.v1 import iterations_pb2
from customvision.v1 import prediction_service_pb2 as messages
from models import model
from pictures import photo
from prediction.running_suite import PATIENCE_SECONDS, Prediction, Suite
from prediction.test_predict import error_of
from prediction.test_stored_predictions import until

RED = photo(1, color=(220, 40, 90))


def question(iteration_id: str = "i1", **fields: object) -> messages.PredictRequest:
    """Returns a question to an iteration of project p."""
    return messages.PredictRequest(**{"project_id": "p", "iteration_id": iteration_id, "image_data": RED} | fields)  # type: ignore[arg-type]


async def refusal(prediction: Prediction, request: messages.PredictRequest) -> ServiceError:
    """Returns the error that a question ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await prediction.ask(request)
    return error_of(raised)


async def test_an_iteration_answers_without_being_published(suite: Suite) -> None:
    """It is fetched when it is first asked, once however many ask, and is no published model."""
    digest = suite.project.complete("p", "i1", model())
    async with suite.prediction() as prediction:
        answers = await asyncio.gather(*(prediction.ask(question("i1")) for _ in range(10)))
        assert await prediction.models() == []
    assert {(answer.iteration_id, answer.publish_name, answer.prediction_id) for answer in answers} == {("i1", "", "")}
    assert [tag.tag_name for tag in answers[0].predictions] == ["red", "blue", "green"]
    assert suite.project.fetched.count(digest) == 1


async def test_published_models_go_on_beside_it(suite: Suite) -> None:
    """The published iteration answers under its name, another by its id; either can be asked by id."""
    suite.project.publish("p", "live", "i1", model(("rouge", "vert")))
    suite.project.complete("p", "i1", model(("rouge", "vert")))
    suite.project.complete("p", "i2", model(("rosso", "verde")))
    async with suite.prediction() as prediction:
        await prediction.serving("i1")
        by_name = await prediction.predict("p", "live", RED)
        by_id = [await prediction.ask(question(iteration_id)) for iteration_id in ("i1", "i2")]
        only = await prediction.predict("p", "", RED)
    assert [by_name.predictions[0].tag_name, *(answer.predictions[0].tag_name for answer in by_id)] == [
        "rouge",
        "rouge",
        "rosso",
    ]
    assert only.publish_name == "live"


async def test_a_stored_answer_names_iteration_and_application(suite: Suite) -> None:
    """Answers by id and by name are kept with the label that the caller gave."""
    suite.project.complete("p", "i1", model())
    suite.project.publish("p", "live", "i2", model())
    async with suite.prediction() as prediction:
        tested = await prediction.ask(question("i1", store=True, application="quick test"))
        named = await prediction.ask(
            messages.PredictRequest(project_id="p", publish_name="live", image_data=RED, store=True, application="shop")
        )
        await until(lambda: len(suite.project.recorded) == 2)
    kept = {record.prediction_id: record for record in suite.project.recorded}
    fields = [
        (kept[it.prediction_id].iteration_id, kept[it.prediction_id].publish_name, kept[it.prediction_id].application)
        for it in (tested, named)
    ]
    assert fields == [("i1", "", "quick test"), ("i2", "live", "shop")]


async def test_it_needs_the_training_key(suite: Suite, keys: Keys) -> None:
    """The prediction key asks published models only."""
    suite.project.complete("p", "i1", model())
    suite.project.publish("p", "live", "i2", model())
    async with suite.prediction(Keys(training_key=keys.prediction_key, prediction_key="")) as prediction:
        assert (await prediction.predict("p", "live", RED)).iteration_id == "i2"
        error = await refusal(prediction, question("i1"))
    assert error.reason == "KEY_NOT_SUFFICIENT"
    assert suite.project.fetched.count(suite.project.iterations["p", "i1"].artifacts.model_sha256) <= 1


@pytest.mark.parametrize(
    ("fields", "reason", "code"),
    [
        ({"publish_name": "live"}, "FIELDS_EXCLUSIVE", grpc.StatusCode.INVALID_ARGUMENT),
        ({"image_url": "http://example.com/"}, "FIELDS_EXCLUSIVE", grpc.StatusCode.INVALID_ARGUMENT),
        ({"application": "x" * 257}, "TEXT_TOO_LONG", grpc.StatusCode.INVALID_ARGUMENT),
        ({"image_data": b""}, "IMAGE_SIZE_INVALID", grpc.StatusCode.INVALID_ARGUMENT),
        ({"project_id": ""}, "PROJECT_ID_MISSING", grpc.StatusCode.INVALID_ARGUMENT),
        ({"project_id": "other"}, "ITERATION_NOT_FOUND", grpc.StatusCode.NOT_FOUND),
        ({"iteration_id": "none"}, "ITERATION_NOT_FOUND", grpc.StatusCode.NOT_FOUND),
        ({"iteration_id": "running"}, "ITERATION_NOT_COMPLETED", grpc.StatusCode.FAILED_PRECONDITION),
    ],
)
async def test_a_question_that_cannot_be_answered_is_refused_precisely(
    suite: Suite, fields: dict[str, object], reason: str, code: grpc.StatusCode
) -> None:
    """Two models or images, a long label, no image, an iteration that is not there or has no model."""
    suite.project.complete("p", "i1", model())
    suite.project.iterations["p", "running"] = iterations_pb2.Iteration(
        project_id="p", iteration_id="running", status=iterations_pb2.ITERATION_STATUS_TRAINING
    )
    async with suite.prediction() as prediction:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await prediction.ask(question(**fields))  # type: ignore[arg-type]
    assert (error_of(raised).reason, raised.value.code()) == (reason, code)


async def test_a_deleted_iteration_stops_answering(suite: Suite) -> None:
    """Though its model is loaded, and its files go with the next of them."""
    digest = suite.project.complete("p", "i1", model())
    async with suite.prediction() as prediction:
        await prediction.ask(question("i1"))
        kept = suite.settings.home / "prediction" / "artifacts" / digest
        assert kept.exists()
        del suite.project.iterations["p", "i1"]
        assert (await refusal(prediction, question("i1"))).reason == "ITERATION_NOT_FOUND"
        await until(lambda: not kept.exists())


async def test_a_damaged_model_is_told_and_tried_again(suite: Suite) -> None:
    """Bytes that do not match are an error of this iteration; once they do, it answers."""
    digest = suite.project.complete("p", "i1", model())
    suite.project.truncated.add(digest)
    async with suite.prediction() as prediction:
        assert (await refusal(prediction, question("i1"))).reason == "MODEL_DAMAGED"
        suite.project.truncated.clear()
        suite.project.away.add(digest)
        assert (await refusal(prediction, question("i1"))).reason == "MODEL_NOT_FETCHED"
        suite.project.away.clear()
        assert (await prediction.ask(question("i1"))).iteration_id == "i1"


async def test_without_the_project_service_it_is_unavailable(suite: Suite) -> None:
    """Published models answer on; whether an iteration is still there nobody can say."""
    suite.project.publish("p", "live", "i1", model())
    suite.project.complete("p", "i1", model())
    async with suite.prediction() as prediction:
        await prediction.ask(question("i1"))
        await suite.stop_project()
        assert (await prediction.predict("p", "live", RED)).iteration_id == "i1"
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await prediction.ask(question("i1"))
    assert raised.value.code() == grpc.StatusCode.UNAVAILABLE


class Loads:
    """Stands for loading: counts, and waits where it is told to."""

    def __init__(self) -> None:
        self.loaded: list[str] = []
        self.dropped = 0
        self.open = asyncio.Event()
        self.open.set()

    async def find(self, project_id: str, iteration_id: str) -> PublishedModel:
        """Knows every iteration."""
        return PublishedModel(ModelName(project_id, ""), iteration_id, f"model of {iteration_id}", "backbone")

    async def load(self, published: PublishedModel) -> PublishedModel:
        """Returns what was asked for in place of a model."""
        self.loaded.append(published.iteration_id)
        await self.open.wait()
        return published

    def drop(self) -> None:
        """Counts."""
        self.dropped += 1


@pytest.fixture
async def loads() -> AsyncIterator[Loads]:
    """Loads that a test watches."""
    yield Loads()


async def test_those_asked_last_are_kept(loads: Loads) -> None:
    """Past the limit the one that was not asked for longest goes, and is loaded again when it is asked for again."""
    models = IterationModels(loads.find, loads.load, on_drop=loads.drop)  # type: ignore[arg-type]
    for number in range(MAX_MODELS):
        await models.find("p", f"i{number}", seconds=PATIENCE_SECONDS)
    await models.find("p", "i0", seconds=PATIENCE_SECONDS)
    await models.find("p", "new", seconds=PATIENCE_SECONDS)
    await models.find("p", "i0", seconds=PATIENCE_SECONDS)
    assert (loads.loaded.count("i0"), loads.dropped) == (1, 1)
    assert len(models.digests) == MAX_MODELS + 1
    assert "model of i1" not in models.digests
    await models.find("p", "i1", seconds=PATIENCE_SECONDS)
    assert loads.loaded.count("i1") == 2
    models.close()


async def test_a_slow_load_is_told_and_goes_on(loads: Loads) -> None:
    """Whoever cannot wait is told so; the load is there for the next."""
    loads.open.clear()
    models = IterationModels(loads.find, loads.load, on_drop=loads.drop)  # type: ignore[arg-type]
    with pytest.raises(ServiceError) as raised:
        await models.find("p", "i", seconds=0.01)
    assert raised.value.reason == "MODEL_LOADING"
    waiting = asyncio.create_task(models.find("p", "i", seconds=PATIENCE_SECONDS))
    loads.open.set()
    assert (await waiting) == await loads.find("p", "i")  # type: ignore[comparison-overlap]
    assert loads.loaded == ["i"]
    models.close()
