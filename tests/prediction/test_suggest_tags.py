"""What a model says of untagged images, for people to confirm."""

import grpc
import pytest

from customvision.common.keys import Keys
from customvision.v1 import prediction_service_pb2 as messages
from customvision.v1 import suggestions_pb2
from models import model
from pictures import photo
from prediction.running_suite import PATIENCE_SECONDS, Prediction, Suite
from project_calls import refusal_of

RED, GREEN = photo(1, color=(220, 40, 90)), photo(2, color=(40, 220, 90))


async def suggest(prediction: Prediction, *image_ids: str, iteration_id: str = "i") -> list[suggestions_pb2.Suggestion]:
    """Asks for suggestions in project p."""
    request = messages.SuggestTagsRequest(project_id="p", iteration_id=iteration_id, image_ids=image_ids)
    return list((await prediction.stub.SuggestTags(request, timeout=2 * PATIENCE_SECONDS)).suggestions)


async def test_suggestions_are_made_recorded_and_returned_as_kept(suite: Suite) -> None:
    """Each image is answered as Predict would; the project's own figures come back, in order, each image once."""
    suite.project.complete("p", "i", model())
    suite.project.images.update(red=RED, green=GREEN)
    async with suite.prediction() as prediction:
        first, second = await suggest(prediction, "green", "red", "green")
        asked = await prediction.ask(messages.PredictRequest(project_id="p", iteration_id="i", image_data=GREEN))
    (recorded,) = suite.project.suggested
    assert recorded.suggestions[0].image_id == "green"
    assert recorded.suggestions[0].predictions == asked.predictions
    assert (recorded.project_id, recorded.iteration_id) == ("p", "i")
    assert [first.image_id, second.image_id] == ["green", "red"]
    assert [first.predictions[0].tag_name, second.predictions[0].tag_name] == ["green", "red"]
    assert (first.project_id, first.iteration_id, first.uncertainty) == ("p", "i", 0.25)
    assert first.create_time.seconds == 1_800_000_000


async def test_images_that_cannot_be_suggested_for_are_left_out(suite: Suite) -> None:
    """Gone, damaged or tagged images do not stop the others."""
    suite.project.complete("p", "i", model())
    suite.project.images.update(red=RED, damaged=RED[: len(RED) // 2], tagged=GREEN)
    suite.project.tagged.add("tagged")
    async with suite.prediction() as prediction:
        kept = await suggest(prediction, "gone", "damaged", "tagged", "red")
        assert await suggest(prediction, "gone", "damaged") == []
    assert [suggestion.image_id for suggestion in kept] == ["red"]
    assert [it.image_id for it in suite.project.suggested[0].suggestions] == ["tagged", "red"]
    assert len(suite.project.suggested) == 1


@pytest.mark.parametrize(
    ("request_fields", "reason", "fields"),
    [
        ({"image_ids": []}, "NOTHING_GIVEN", ["image_ids"]),
        ({"image_ids": ["red"] * 65}, "TOO_MANY_ITEMS", ["image_ids"]),
        ({"project_id": ""}, "PROJECT_ID_MISSING", ["project_id"]),
        ({"iteration_id": ""}, "ITERATION_ID_MISSING", ["iteration_id"]),
        ({"iteration_id": "none"}, "ITERATION_NOT_FOUND", []),
    ],
)
async def test_a_bad_request_records_nothing(
    suite: Suite, request_fields: dict[str, object], reason: str, fields: list[str]
) -> None:
    """No image, too many, no project, no iteration."""
    suite.project.complete("p", "i", model())
    suite.project.images.update(red=RED)
    given = {"project_id": "p", "iteration_id": "i", "image_ids": ["red"]} | request_fields
    async with suite.prediction() as prediction:
        refusal = await refusal_of(prediction.stub.SuggestTags(messages.SuggestTagsRequest(**given)))  # type: ignore[arg-type]
    assert (refusal.reason, refusal.fields) == (reason, fields)
    assert suite.project.suggested == []


async def test_it_needs_the_training_key(suite: Suite, keys: Keys) -> None:
    """The prediction key reads no images and changes no project."""
    suite.project.complete("p", "i", model())
    suite.project.images.update(red=RED)
    async with suite.prediction(Keys(training_key=keys.prediction_key, prediction_key="")) as prediction:
        refusal = await refusal_of(suggest(prediction, "red"))
    assert (refusal.reason, refusal.code) == ("KEY_NOT_SUFFICIENT", grpc.StatusCode.PERMISSION_DENIED)
    assert suite.project.suggested == []


async def test_what_the_project_refuses_is_told(suite: Suite) -> None:
    """A project service that goes before the answers are kept is named."""
    suite.project.complete("p", "i", model())
    suite.project.images.update(red=RED)
    async with suite.prediction() as prediction:
        assert len(await suggest(prediction, "red")) == 1
        await suite.stop_project()
        refusal = await refusal_of(suggest(prediction, "red"))
    assert (refusal.reason, refusal.metadata) == ("UNAVAILABLE", {"service": "project"})
