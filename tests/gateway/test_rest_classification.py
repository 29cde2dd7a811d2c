"""Images classified through the REST API, with published models and in quick tests."""

import uuid
from typing import Any

import grpc
import pytest

from customvision.common.keys import Keys
from customvision.v1 import iterations_pb2, prediction_service_pb2, stored_predictions_pb2, tags_pb2
from pictures import photo
from running_gateway import PREDICTION_API, TRAINING_API, ScriptedGateway, ServedGateway
from scripted_server import ScriptedCall

PROJECT, OLD, NEW, ROSE, NONE, GONE, KEPT = (str(uuid.uuid4()) for _ in range(7))
FORM = {"Content-Type": "multipart/form-data; boundary=xyz"}
RAW = {"Content-Type": "application/octet-stream"}
CLASSIFY = f"{PREDICTION_API}/{PROJECT}/classify/iterations/"
QUICK_TEST = f"{TRAINING_API}/projects/{PROJECT}/quicktest"


def form(*images: bytes) -> bytes:
    """Returns a form with these images, as the SDKs write it."""
    parts = [b'--xyz\r\nContent-Disposition: form-data; name="imageData"\r\n\r\n' + image + b"\r\n" for image in images]
    return b"".join(parts) + b"--xyz--\r\n"


def predict(call: ScriptedCall) -> prediction_service_pb2.PredictResponse:
    """Answers three tags: one regular, one negative, one that the project has no longer."""
    answers = [(ROSE, "rose", 0.75), (NONE, "none", 0.25), (GONE, "gone", 1.1920929e-07)]
    return prediction_service_pb2.PredictResponse(
        iteration_id=call.request.iteration_id or NEW,
        predictions=[
            stored_predictions_pb2.TagProbability(tag_id=tag_id, tag_name=name, probability=probability)
            for tag_id, name, probability in answers
        ],
        prediction_id=KEPT if call.request.store else "",
    )


def list_tags(_: ScriptedCall) -> tags_pb2.ListTagsResponse:
    """Answers a regular and a negative tag."""
    rose = tags_pb2.Tag(tag_id=ROSE, type=tags_pb2.TAG_TYPE_REGULAR)
    return tags_pb2.ListTagsResponse(tags=[rose, tags_pb2.Tag(tag_id=NONE, type=tags_pb2.TAG_TYPE_NEGATIVE)])


def list_iterations(call: ScriptedCall) -> iterations_pb2.ListIterationsResponse:
    """Answers one iteration a page, the newest first: in training, completed, completed."""
    training, completed = iterations_pb2.ITERATION_STATUS_TRAINING, iterations_pb2.ITERATION_STATUS_COMPLETED
    rows = [(str(uuid.uuid4()), training), (NEW, completed), (OLD, completed)]
    iteration_id, status = rows[int(call.request.page_token or 0)]
    iteration = iterations_pb2.Iteration(iteration_id=iteration_id, status=status)
    return iterations_pb2.ListIterationsResponse(
        iterations=[iteration], next_page_token=str(int(call.request.page_token or 0) + 1)
    )


SCRIPTS = {"Predict": predict, "ListTags": list_tags, "ListIterations": list_iterations}


def last(gateway: ServedGateway) -> Any:
    """Returns the last prediction that was asked for."""
    return gateway.requests("Predict")[-1]


async def test_an_answer_is_what_clients_know(scripted_gateway: ScriptedGateway) -> None:
    """Ids, project, iteration, time and the probabilities in order, with the types of tags that there are."""
    gateway = scripted_gateway(SCRIPTS)
    answer = await gateway.client.post(CLASSIFY + "flowers/image", content=form(photo(1)), headers=FORM)
    assert answer.status_code == 200, answer.text
    content = answer.json()
    assert content.pop("created").endswith("Z")
    assert content == {
        "id": KEPT,
        "project": PROJECT,
        "iteration": NEW,
        "predictions": [
            {"probability": 0.75, "tagId": ROSE, "tagName": "rose", "tagType": "Regular"},
            {"probability": 0.25, "tagId": NONE, "tagName": "none", "tagType": "Negative"},
            {"probability": 1.1920929e-07, "tagId": GONE, "tagName": "gone"},
        ],
    }


async def test_each_way_to_classify_asks_the_service_rightly(scripted_gateway: ScriptedGateway) -> None:
    """Forms and raw bytes, files and URLs, kept or not, under names of any script, with a label."""
    image = photo(1)
    ways: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("flowers/image", {"content": form(image), "headers": FORM}, {"image_data": image, "store": True}),
        ("flowers/image/nostore", {"content": image, "headers": RAW}, {"image_data": image}),
        ("flowers/image/nostore", {"content": image}, {"image_data": image}),
        ("flowers/url", {"json": {"url": "http://x/y.jpg"}}, {"image_url": "http://x/y.jpg", "store": True}),
        ("flowers/url/nostore", {"json": {"Url": "", "url": "http://x"}}, {"image_url": "http://x"}),
    ]
    gateway = scripted_gateway(SCRIPTS)
    for path, request, wanted in ways:
        answer = await gateway.client.post(CLASSIFY + path, params={"application": "till"}, **request)
        assert answer.status_code == 200, answer.text
        assert last(gateway) == prediction_service_pb2.PredictRequest(
            project_id=PROJECT, publish_name="flowers", application="till", **wanted
        )
    await gateway.client.post(CLASSIFY + "Meine%20Blumen%2F2%20%C3%A4/image", content=image, headers=RAW)
    assert last(gateway).publish_name == "Meine Blumen/2 ä"
    doubled = f"//CustomVision/V3.0/Prediction//{PROJECT.upper()}/Classify/Iterations/Flowers/Image"
    answer = await gateway.client.post(str(gateway.client.base_url) + doubled, content=image, headers=RAW)
    assert answer.status_code == 200
    assert last(gateway).project_id == PROJECT
    assert last(gateway).publish_name == "Flowers"


async def test_the_prediction_key_opens_classification_alone(scripted_gateway: ScriptedGateway, keys: Keys) -> None:
    """The prediction key classifies; quick tests need the training key."""
    key = {"Prediction-Key": keys.prediction_key, **RAW}
    gateway = scripted_gateway(SCRIPTS)
    answer = await gateway.bare.post(CLASSIFY + "flowers/image/nostore", content=photo(1), headers=key)
    assert answer.status_code == 200
    answer = await gateway.bare.post(QUICK_TEST + "/image", content=photo(1), headers=key)
    assert (answer.status_code, answer.json()["code"]) == (403, "Forbidden")


async def test_a_quick_test_takes_the_newest_completed_iteration(scripted_gateway: ScriptedGateway) -> None:
    """Without an iteration the newest that is completed answers; it is kept unless that is declined."""
    image = photo(1)
    gateway = scripted_gateway(SCRIPTS)
    answer = await gateway.client.post(QUICK_TEST + "/image", content=form(image), headers=FORM)
    assert answer.json()["iteration"] == NEW
    asked = prediction_service_pb2.PredictRequest(project_id=PROJECT, iteration_id=NEW, image_data=image, store=True)
    assert last(gateway) == asked
    parameters = {"iterationId": OLD, "store": "false"}
    answer = await gateway.client.post(QUICK_TEST + "/url", params=parameters, json={"url": "http://x/y.jpg"})
    assert answer.json()["iteration"] == OLD
    assert answer.json()["id"] != KEPT
    asked = prediction_service_pb2.PredictRequest(
        project_id=PROJECT, iteration_id=OLD, image_url="http://x/y.jpg", store=False
    )
    assert last(gateway) == asked


async def test_a_quick_test_of_an_untrained_project_says_so(scripted_gateway: ScriptedGateway) -> None:
    """A project without a completed iteration has nothing to test."""
    none = {"ListIterations": lambda _: iterations_pb2.ListIterationsResponse()}
    gateway = scripted_gateway(none)
    answer = await gateway.client.post(QUICK_TEST + "/image", content=photo(1), headers=RAW)
    assert (answer.status_code, answer.json()["code"]) == (404, "NotFoundProjectDefaultIteration")


async def test_predictions_go_on_while_types_of_tags_cannot_be_had(scripted_gateway: ScriptedGateway) -> None:
    """While the project service is away, answers come without types."""

    def away(call: ScriptedCall) -> tags_pb2.ListTagsResponse:
        call.fail(grpc.StatusCode.FAILED_PRECONDITION)
        return tags_pb2.ListTagsResponse()

    gateway = scripted_gateway({**SCRIPTS, "ListTags": away})
    # Of a project whose types are not known yet.
    path = CLASSIFY.replace(PROJECT, str(uuid.uuid4())) + "flowers/image"
    answer = await gateway.client.post(path, content=photo(1), headers=RAW)
    assert answer.status_code == 200
    assert all("tagType" not in prediction for prediction in answer.json()["predictions"])


@pytest.mark.parametrize("path", ["image", "image/nostore"])
async def test_what_is_no_single_image_is_refused(scripted_gateway: ScriptedGateway, path: str) -> None:
    """Two images, none, and a project or version that cannot be are answered with a code; nothing is asked."""
    gateway = scripted_gateway(SCRIPTS)
    address = CLASSIFY + "flowers/" + path
    other = address.replace("v3.1", "v2.0"), address.replace(PROJECT, "garden")
    for url, content, status, code in (
        (address, form(photo(1), photo(2)), 400, "BadRequestExceededBatchSize"),
        (address, form(), 400, "BadRequestImageStream"),
        (other[0], form(photo(1)), 404, "NotFound"),
        (other[1], form(photo(1)), 404, "NotFound"),
    ):
        answer = await gateway.client.post(url, content=content, headers=FORM)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert gateway.requests("Predict") == []


async def test_of_a_large_file_one_byte_past_the_limit_travels(scripted_gateway: ScriptedGateway) -> None:
    """The service refuses what is too large in its own words; the gateway keeps no more than it needs to do so."""
    gateway = scripted_gateway(SCRIPTS)
    for content, headers in ((form(bytes(9 * 2**20)), FORM), (bytes(9 * 2**20), RAW)):
        await gateway.client.post(CLASSIFY + "flowers/image/nostore", content=content, headers=headers)
        assert len(last(gateway).image_data) == 6 * 2**20 + 1
