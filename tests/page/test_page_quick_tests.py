"""The route that asks a model about a photo, for who is signed in to the page."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx
import pytest

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.common.sign_in import sessions
from customvision.gateway.image_files import KEPT_BYTES
from customvision.gateway.page.sessions import COOKIE
from customvision.gateway.room import Room, room_for
from customvision.v1 import prediction_service_pb2, stored_predictions_pb2
from pictures import photo
from running_gateway import MISSING, ServedGateway, refused, served_gateway
from scripted_server import ScriptedCall

PATH = f"/page/projects/{MISSING}/quick-test"
RAW = {"Content-Type": "application/octet-stream"}
# A photo of this size fits, one of the largest does not.
SMALL_ROOM = room_for(KEPT_BYTES) // 2


def answer(call: ScriptedCall) -> prediction_service_pb2.PredictResponse:
    """Answers a photo; is too busy for the word that stands in place of a busy server's photo."""
    if call.request.image_data == b"busy":
        call.fail(grpc.StatusCode.RESOURCE_EXHAUSTED, "Too many wait.")
    rose = stored_predictions_pb2.TagProbability(tag_id="t", tag_name="rose", probability=0.75)
    return prediction_service_pb2.PredictResponse(iteration_id="i", predictions=[rose], prediction_id="p")


@pytest.fixture
async def asked(settings: Settings, keys: Keys) -> AsyncIterator[ServedGateway]:
    """A gateway with little room before a prediction service that answers."""
    async with served_gateway(
        settings, keys, {"Predict": answer}, scripted_project=True, room=Room(SMALL_ROOM)
    ) as gateway:
        yield gateway


@pytest.fixture
def page(asked: ServedGateway, keys: Keys) -> httpx.AsyncClient:
    """A browser that is signed in."""
    asked.bare.cookies.set(COOKIE, sessions(keys).make(60))
    return asked.bare


async def test_the_photo_travels_as_it_is(page: httpx.AsyncClient, asked: ServedGateway) -> None:
    """Bytes, model and wish to keep reach the service; without a wish nothing is kept."""
    told = (await page.post(f"{PATH}?iterationId=i", content=photo(1), headers=RAW)).json()
    assert told["predictions"] == [{"tagId": "t", "tagName": "rose", "probability": 0.75}]
    await page.post(f"{PATH}?publishName=a%26b&store=true&application=Quick%20test", content=photo(2), headers=RAW)
    first, second = asked.requests("Predict")
    assert (first.project_id, first.iteration_id, first.image_data, first.store) == (MISSING, "i", photo(1), False)
    assert (second.publish_name, second.store, second.application) == ("a&b", True, "Quick test")


async def test_only_a_session_opens_it(asked: ServedGateway) -> None:
    """Neither nobody nor a key asks here; nothing reaches the service."""
    for client in (asked.bare, asked.client):
        refused(await client.post(PATH, content=photo(1), headers=RAW), 401, "Unauthorized")
    assert not asked.requests("Predict")


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"content": b"", "headers": RAW}, 400, "BadRequestImageStream"),
        ({"content": b"x", "headers": {"Content-Type": "text/plain"}}, 400, "BadRequestImageStream"),
        ({"content": bytes(KEPT_BYTES), "headers": RAW}, 503, "ErrorUnknown"),
    ],
    ids=["nothing", "no image", "no room"],
)
async def test_what_cannot_be_taken_is_told(
    page: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, request_: dict[str, Any], status: int, code: str
) -> None:
    """A body of nothing, of another kind, and one for which there is no room in memory are refused in a sentence."""
    monkeypatch.setattr("customvision.gateway.room.PATIENCE_SECONDS", 0.05)
    assert refused(await page.post(PATH, **request_), status, code)


async def test_a_refusal_of_the_service_is_told_as_it_is(page: httpx.AsyncClient) -> None:
    """A prediction service that is too busy is 429 with what it says."""
    told = await page.post(PATH, content=b"busy", headers=RAW)
    assert (told.status_code, told.json()["code"]) == (429, "RESOURCE_EXHAUSTED")


async def test_no_more_than_a_photo_is_kept_in_memory(settings: Settings, keys: Keys) -> None:
    """Of a body that is far too large the service gets one byte more than it takes, and says so itself."""
    async with served_gateway(settings, keys, {"Predict": answer}, scripted_project=True) as gateway:
        gateway.bare.cookies.set(COOKIE, sessions(keys).make(60))
        assert (await gateway.bare.post(PATH, content=bytes(2 * KEPT_BYTES), headers=RAW)).status_code == 200
        (question,) = gateway.requests("Predict")
        assert len(question.image_data) == KEPT_BYTES
