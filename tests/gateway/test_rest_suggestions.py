"""Suggested tags through the REST API."""

import uuid
from typing import Any

from customvision.v1 import (
    images_pb2,
    iterations_pb2,
    prediction_service_pb2,
    stored_predictions_pb2,
    suggestions_pb2,
    tags_pb2,
)
from running_gateway import TRAINING_API, ScriptedGateway

PROJECT, ITERATION, TAG, DOMAIN, IMAGE, DELETED = (str(uuid.uuid4()) for _ in range(6))
ROOT = f"{TRAINING_API}/projects/{PROJECT}"


def suggestion(image_id: str) -> suggestions_pb2.Suggestion:
    """Returns a suggestion for an image."""
    tag = stored_predictions_pb2.TagProbability(tag_id=TAG, tag_name="rose", probability=0.5)
    return suggestions_pb2.Suggestion(
        image_id=image_id, project_id=PROJECT, iteration_id=ITERATION, predictions=[tag], uncertainty=0.25
    )


SCRIPTS: dict[str, Any] = {
    "SuggestTags": lambda call: prediction_service_pb2.SuggestTagsResponse(
        suggestions=map(suggestion, call.request.image_ids)
    ),
    "ListSuggestions": lambda _: suggestions_pb2.ListSuggestionsResponse(
        suggestions=[suggestion(IMAGE), suggestion(DELETED)], next_page_token="more"
    ),
    "CountSuggestions": lambda _: suggestions_pb2.CountSuggestionsResponse(counts={TAG: 3, DOMAIN: 0}),
    "ListImages": lambda _: images_pb2.ListImagesResponse(
        images=[images_pb2.Image(image_id=IMAGE, project_id=PROJECT, width=40, height=30)]
    ),
    "GetIteration": lambda _: iterations_pb2.Iteration(domain_id=DOMAIN),
    "ListTags": lambda _: tags_pb2.ListTagsResponse(tags=[tags_pb2.Tag(tag_id=TAG, type=tags_pb2.TAG_TYPE_REGULAR)]),
}
PREDICTIONS = [{"probability": 0.5, "tagId": TAG, "tagName": "rose", "tagType": "Regular"}]


async def test_suggestions_are_asked_for_by_image(scripted_gateway: ScriptedGateway) -> None:
    """Each untagged image answers its id, the tags with their probabilities and the uncertainty."""
    gateway = scripted_gateway(SCRIPTS)
    parameters = {"iterationId": ITERATION, "imageIds": f"{IMAGE},{DELETED}"}
    answer = await gateway.client.post(f"{ROOT}/tagsandregions/suggestions", params=parameters)
    assert answer.status_code == 200, answer.text
    assert [entry["id"] for entry in answer.json()] == [IMAGE, DELETED]
    assert (answer.json()[0]["predictions"], answer.json()[0]["predictionUncertainty"]) == (PREDICTIONS, 0.25)
    too_many = {"iterationId": ITERATION, "imageIds": ",".join([IMAGE] * 65)}
    answer = await gateway.client.post(f"{ROOT}/tagsandregions/suggestions", params=too_many)
    assert answer.json()["code"] == "BadRequestExceededBatchSize"
    answer = await gateway.client.post(f"{ROOT}/tagsandregions/suggestions", params={"imageIds": IMAGE})
    assert answer.json()["code"] == "BadRequestRequiredParamIsNull"


async def test_kept_suggestions_come_page_by_page_with_their_images(scripted_gateway: ScriptedGateway) -> None:
    """A query answers suggestions with size and links of their images, but for those deleted meanwhile."""
    gateway = scripted_gateway(SCRIPTS)
    token = {
        "tagIds": [TAG],
        "threshold": 0.4,
        "maxCount": 2,
        "sortBy": "uncertaintyascending",
        "continuation": "c",
    }
    answer = await gateway.client.post(f"{ROOT}/images/suggested", params={"iterationId": ITERATION}, json=token)
    assert answer.status_code == 200, answer.text
    content = answer.json()
    assert content["token"].pop("session")
    assert content["token"] == {**token, "continuation": "more"}
    (entry,) = content["results"]
    assert (entry["id"], entry["width"], entry["height"], entry["domain"]) == (IMAGE, 40, 30, DOMAIN)
    assert (entry["predictions"], entry["predictionUncertainty"]) == (PREDICTIONS, 0.25)
    assert f"/images/{IMAGE}/thumbnail?" in entry["thumbnailUri"]
    assert gateway.requests("ListSuggestions") == [
        suggestions_pb2.ListSuggestionsRequest(
            project_id=PROJECT,
            iteration_id=ITERATION,
            page_size=2,
            page_token="c",
            tag_ids=[TAG],
            threshold=0.4,
            order=suggestions_pb2.SUGGESTION_ORDER_MOST_CERTAIN_FIRST,
        )
    ]


async def test_suggestions_are_counted_by_tag(scripted_gateway: ScriptedGateway) -> None:
    """The count is an object of numbers by tag id, zeros included."""
    gateway = scripted_gateway(SCRIPTS)
    path = f"{ROOT}/images/suggested/count"
    answer = await gateway.client.post(path, params={"iterationId": ITERATION}, json={"tagIds": [TAG]})
    assert answer.json() == {TAG: 3, DOMAIN: 0}
    asked = suggestions_pb2.CountSuggestionsRequest(project_id=PROJECT, iteration_id=ITERATION, tag_ids=[TAG])
    assert gateway.requests("CountSuggestions") == [asked]
