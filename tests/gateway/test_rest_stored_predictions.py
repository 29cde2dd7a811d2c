"""Kept predictions through the REST API: queried page by page, made images of, deleted."""

import uuid
from datetime import UTC, datetime
from typing import Any

from customvision.v1 import images_pb2, stored_predictions_pb2
from pictures import photo
from project_calls import MISSING, image_list, make_project, make_tag
from running_gateway import TRAINING_API, ScriptedGateway, ServedGateway

PROJECT, ITERATION, TAG = (str(uuid.uuid4()) for _ in range(3))


async def query(gateway: ServedGateway, project_id: str, **token: Any) -> Any:
    """Queries predictions and returns the response."""
    return await gateway.client.post(f"{TRAINING_API}/projects/{project_id}/predictions/query", json=token)


async def keep(gateway: ServedGateway, project_id: str, seed: int, tag_id: str) -> str:
    """Keeps a prediction with its image and returns its id."""
    tag = stored_predictions_pb2.TagProbability(tag_id=tag_id, tag_name="rose", probability=1 - seed / 10)
    request = stored_predictions_pb2.RecordPredictionRequest(
        prediction_id=str(uuid.uuid4()),
        project_id=project_id,
        iteration_id=ITERATION,
        publish_name="flowers",
        image_data=photo(seed),
        predictions=[tag],
    )
    return (await gateway.project.RecordPrediction(request)).prediction_id


async def test_a_query_goes_on_until_continuation_is_null(served: ServedGateway) -> None:
    """Session and continuation of each answer lead to the next page; the last one's continuation is null."""
    project_id = (await make_project(served.project)).project_id
    tag_id = await make_tag(served.project, project_id, "rose")
    kept = [await keep(served, project_id, seed, tag_id) for seed in range(5)]
    token: dict[str, Any] = {"maxCount": 2, "orderBy": "Newest", "session": None, "continuation": None}
    found: list[dict[str, Any]] = []
    for page in (2, 2, 1):
        answer = (await query(served, project_id, **token)).json()
        assert len(answer["results"]) == page
        found += answer["results"]
        assert answer["token"]["session"]
        assert token["session"] in (None, answer["token"]["session"])
        token = answer["token"]
    assert token["continuation"] is None
    assert [entry["id"] for entry in found] == kept[::-1]
    wanted = {"probability": 1.0, "tagId": tag_id, "tagName": "rose", "tagType": "Regular"}
    assert found[-1]["predictions"] == [wanted]
    assert set(found[0]) == {
        "id", "project", "iteration", "created", "predictions", "domain",
        "resizedImageUri", "thumbnailUri", "originalImageUri",
    }  # fmt: skip


async def test_an_empty_query_answers_the_whole_token(served: ServedGateway) -> None:
    """A query without a body, and one with defaults, answer every field of the token."""
    project_id = (await make_project(served.project)).project_id
    empty = await served.client.post(f"{TRAINING_API}/projects/{project_id}/predictions/query")
    given = await query(served, project_id, maxCount=0, orderBy="Newest")
    assert empty.json() == given.json()
    token = given.json()["token"]
    assert token.pop("session")
    assert token == {
        "continuation": None,
        "maxCount": 0,
        "orderBy": "Newest",
        "tags": None,
        "iterationId": None,
        "startTime": None,
        "endTime": None,
        "application": None,
    }


async def test_every_field_of_a_query_reaches_the_service(scripted_gateway: ScriptedGateway) -> None:
    """What a client asks of kept predictions is what the project service is asked, word by word."""
    scripts = {
        "ListPredictions": lambda _: stored_predictions_pb2.ListPredictionsResponse(next_page_token="more"),
        "ListTags": lambda call: call.fail(None),
    }
    gateway = scripted_gateway(scripts)
    token = {
        "session": "s",
        "continuation": "c",
        "maxCount": 1000,
        "orderBy": "suggested",
        "tags": [{"id": TAG, "minThreshold": 0.25}, {"id": MISSING, "maxThreshold": 0.5}],
        "iterationId": ITERATION,
        "startTime": "2026-01-02T03:04:05.678Z",
        "endTime": "2026-01-02T03:04:05",
        "application": "till",
    }
    answer = await query(gateway, PROJECT, **token)
    assert answer.json()["token"]["continuation"] == "more"
    assert answer.json()["token"]["session"] == "s"
    wanted = stored_predictions_pb2.ListPredictionsRequest(
        project_id=PROJECT,
        page_size=256,
        page_token="c",
        iteration_id=ITERATION,
        order=stored_predictions_pb2.PREDICTION_ORDER_SUGGESTED,
        application="till",
        tags=[
            stored_predictions_pb2.PredictionTagFilter(tag_id=TAG, min_probability=0.25),
            stored_predictions_pb2.PredictionTagFilter(tag_id=MISSING, max_probability=0.5),
        ],
    )
    wanted.start_time.FromDatetime(datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC))
    wanted.end_time.FromDatetime(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert gateway.requests("ListPredictions") == [wanted]


async def test_queries_that_cannot_be_are_refused(served: ServedGateway) -> None:
    """Three tags, a negative count, an unknown order and a foreign continuation have codes of their own."""
    invalid = "BadRequestPredictionInvalidQueryParameters"
    project_id = (await make_project(served.project)).project_id
    for token, code in (
        ({"tags": [{"id": TAG}] * 3}, "BadRequestPredictionTagsExceededCount"),
        ({"maxCount": -1}, invalid),
        ({"orderBy": "Sideways"}, invalid),
        ({"continuation": "x"}, invalid),
        ({"tags": [{"id": TAG, "minThreshold": 7}]}, invalid),
        ({"application": "x" * 257}, "BadRequestPredictionInvalidApplicationName"),
        ({"startTime": "yesterday"}, "BadRequestInvalid"),
    ):
        answer = await query(served, project_id, **token)
        assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_predictions_become_images(served: ServedGateway) -> None:
    """A promoted prediction is an image with the tags given, named by the prediction, and no prediction any more."""
    project_id = (await make_project(served.project)).project_id
    tag_id = await make_tag(served.project, project_id, "rose")
    kept = await keep(served, project_id, 1, tag_id)
    path = f"{TRAINING_API}/projects/{project_id}/images/predictions"
    answer = await served.client.post(path, json={"images": [{"id": kept, "tagIds": [tag_id]}]})
    assert answer.status_code == 200, answer.text
    (entry,) = answer.json()["images"]
    assert (entry["sourceUrl"], entry["status"]) == (kept, "OK")
    (image,) = await image_list(served.project, project_id)
    assert (image.image_id, list(image.tag_ids)) == (entry["image"]["id"], [tag_id])
    assert (await query(served, project_id)).json()["results"] == []


async def test_predictions_are_deleted(served: ServedGateway) -> None:
    """Deletion answers 204; none and more than 64 have codes of their own."""
    project_id = (await make_project(served.project)).project_id
    tag_id = await make_tag(served.project, project_id, "rose")
    kept = [await keep(served, project_id, seed, tag_id) for seed in range(2)]
    path = f"{TRAINING_API}/projects/{project_id}/predictions"
    for ids, code in (
        ("", "BadRequestPredictionIdsMissing"),
        (",".join([MISSING] * 65), "BadRequestPredictionIdsExceededCount"),
        ("none", "BadRequestInvalidIds"),
    ):
        assert (await served.client.delete(path, params={"ids": ids})).json()["code"] == code
    assert (await served.client.delete(path, params={"ids": kept[0]})).status_code == 204
    assert [entry["id"] for entry in (await query(served, project_id)).json()["results"]] == [kept[1]]


async def test_images_from_urls_are_told_by_their_url(scripted_gateway: ScriptedGateway) -> None:
    """What could not be fetched is told per image with its URL; tags and metadata of batch and entry travel."""
    failed = images_pb2.ImageCreateResult(
        status=images_pb2.IMAGE_CREATE_STATUS_ERROR_SOURCE, message="'x' is not fetched from."
    )
    stored = images_pb2.ImageCreateResult(status=images_pb2.IMAGE_CREATE_STATUS_OK)
    stored.image.image_id = MISSING
    scripts = {"CreateImagesFromUrls": lambda _: images_pb2.CreateImagesResponse(results=[stored, failed])}
    urls = ["http://a/1.jpg", "http://x/2.jpg"]
    gateway = scripted_gateway(scripts)
    batch = {
        "images": [{"url": urls[0], "tagIds": [TAG]}, {"url": urls[1]}],
        "tagIds": [MISSING],
        "metadata": {"k": "v"},
    }
    answer = await gateway.client.post(f"{TRAINING_API}/projects/{PROJECT}/images/urls", json=batch)
    assert answer.status_code == 207
    entries = answer.json()["images"]
    assert [(entry["sourceUrl"], entry["status"]) for entry in entries] == [
        (urls[0], "OK"),
        (urls[1], "ErrorSource"),
    ]
    assert entries[1]["message"] == "'x' is not fetched from."
    assert gateway.requests("CreateImagesFromUrls") == [
        images_pb2.CreateImagesFromUrlsRequest(
            project_id=PROJECT,
            images=[images_pb2.ImageUrl(url=urls[0], tag_ids=[TAG]), images_pb2.ImageUrl(url=urls[1])],
            tag_ids=[MISSING],
            metadata={"k": "v"},
        )
    ]
