"""From the page's scripts to the services, and back."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.common.sign_in import sessions
from customvision.gateway.page.calls import MAX_BODY_BYTES
from customvision.gateway.page.sessions import COOKIE
from project_calls import make_project
from running_gateway import MISSING, ServedGateway, gateway, refused

CALLS = "/page/calls/project"


@pytest.fixture
async def page(served: ServedGateway, keys: Keys) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that is signed in."""
    served.bare.cookies.set(COOKIE, sessions(keys).make(60))
    yield served.bare


async def test_a_call_is_the_contracts_own_in_json(page: httpx.AsyncClient) -> None:
    """Fields go and come under the contract's names; those that are empty are there too."""
    answer = await page.post(
        f"{CALLS}/CreateProject", json={"name": "Ünï <b>", "classificationType": "CLASSIFICATION_TYPE_MULTILABEL"}
    )
    assert answer.status_code == 200
    project = answer.json()
    assert (project["name"], project["classificationType"]) == ("Ünï <b>", "CLASSIFICATION_TYPE_MULTILABEL")
    assert (project["description"], project["imageCount"]) == ("", "0")
    listed = (await page.post(f"{CALLS}/ListProjects")).json()
    assert [each["projectId"] for each in listed["projects"]] == [project["projectId"]]


async def test_a_refusal_is_the_services_own(page: httpx.AsyncClient) -> None:
    """Reason and sentence of a refusal come as the service gave them, under a status that fits."""
    answer = await page.post(f"{CALLS}/GetProject", json={"projectId": MISSING})
    assert answer.status_code == 404
    told = answer.json()
    assert (told["code"], told["reason"]) == ("NOT_FOUND", "PROJECT_NOT_FOUND")
    assert told["message"]
    assert (await page.post(f"{CALLS}/CreateProject", json={})).status_code == 400


async def test_a_service_that_is_away_is_told(settings: Settings, keys: Keys) -> None:
    """Where nothing answers at a service's address, a call is 503 with a sentence."""
    async with gateway(settings, keys) as client:
        client.cookies.set(COOKIE, sessions(keys).make(60))
        answer = await client.post(f"{CALLS}/ListProjects", timeout=60)
    assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")


@pytest.mark.parametrize(
    "path",
    ["calls/project/Nothing", "calls/nothing/ListProjects", "calls/project/WatchImages", "calls/project/UploadImages",
     "streams/project/ListProjects", "calls/prediction/PredictStream"],
)  # fmt: skip
async def test_what_the_contract_has_not_in_this_form_is_not_there(page: httpx.AsyncClient, path: str) -> None:
    """Unknown services and methods are 404, as are streams asked for as calls and the other way round."""
    refused(await page.post(f"/page/{path}"), 404, "NotFound")


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"nothing": 1}', b"\xff", b'{"pageSize": "many"}', b'"x"'])
async def test_a_body_that_is_no_request_is_told(page: httpx.AsyncClient, body: bytes) -> None:
    """What is no JSON, or has fields that the request has not, is refused with what is wrong."""
    refused(await page.post(f"{CALLS}/ListProjects", content=body), 400, "BadRequestInvalid")


async def test_a_body_that_is_too_large_is_refused(page: httpx.AsyncClient) -> None:
    """Four mebibytes are the most; images travel on ways of their own."""
    answer = await page.post(f"{CALLS}/CreateProject", content=b" " * (MAX_BODY_BYTES + 1))
    assert answer.status_code == 413


async def test_a_stream_is_a_line_for_each_message(page: httpx.AsyncClient) -> None:
    """Messages come one by one while the stream is open."""
    async with asyncio.timeout(30), page.stream("POST", "/page/streams/project/WatchPublishedModels") as answer:
        assert answer.headers["content-type"].startswith("application/x-ndjson")
        async for line in answer.aiter_lines():
            assert "synchronized" in json.loads(line)
            break


async def test_a_stream_that_is_refused_says_so_in_its_last_line(
    page: httpx.AsyncClient, served: ServedGateway
) -> None:
    """An error that ends a stream is told in its last line as calls tell it."""
    await make_project(served.project)
    body = {"projectId": MISSING, "imageId": MISSING}
    answer = await page.post("/page/streams/project/GetImageContent", json=body)
    *_, last = answer.text.splitlines()
    assert json.loads(last)["error"]["reason"] == "PROJECT_NOT_FOUND"
