"""What the API takes in any spelling, and what it refuses before it costs anything."""

import asyncio
import json

import httpx
import pytest

from customvision.common.keys import Keys
from customvision.gateway import unread_bodies
from customvision.gateway.canonical_paths import QUERY_NAMES, canonical, decoded_name
from project_calls import freeze, make_trainable
from running_gateway import MISSING, TRAINING_API, refused
from training_suite import TrainingSuite


async def test_names_of_queries_and_fields_come_in_any_case(project_api: httpx.AsyncClient) -> None:
    """Parameters and JSON fields mean the same in capitals; one that is misspelt in case is never passed over."""
    project = (await project_api.post("/projects?NAME=a&classificationtype=Multiclass")).json()
    assert project["settings"]["classificationType"] == "Multiclass"
    changed = await project_api.patch(
        f"/projects/{project['id']}", content=json.dumps({"Name": "b", "DESCRIPTION": "c"})
    )
    assert (changed.json()["name"], changed.json()["description"]) == ("b", "c")


async def test_every_parameter_is_known_in_any_case(client: httpx.AsyncClient, keys: Keys) -> None:
    """Each query parameter of the document is among those that are taken in any case."""
    document = (await client.get("/openapi.json", auth=("", keys.training_key))).json()
    named = {
        parameter["name"]
        for methods in document["paths"].values()
        for operation in methods.values()
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "query"
    }
    assert named <= set(QUERY_NAMES.values())


@pytest.mark.parametrize("name", ["a/b", "%2F", "a%b", "My Model", "%", "/"])
def test_published_names_survive_their_path(name: str) -> None:
    """A name with slashes and percent signs in it, encoded once, is told apart from any other."""
    encoded = name.replace("%", "%25").replace("/", "%2F").replace(" ", "%20")
    path = canonical(f"/customvision/v3.1/Prediction/x/classify/iterations/{encoded}/image")
    assert decoded_name(path.split("/")[-2]) == name


async def test_sentences_speak_of_the_api(project_client: httpx.AsyncClient, project_api: httpx.AsyncClient) -> None:
    """What is missing, and what to do, is told in the API's words, not in those of the services; names stay."""
    message = refused(await project_client.get(f"{TRAINING_API}/projects"), 401, "Unauthorized")
    assert "header Training-Key" in message
    assert "GetProjects" in refused(await project_api.get(f"/projects/{MISSING}"), 404, "NotFoundProject")
    project_id = (await project_api.post("/projects?name=a")).json()["id"]
    await project_api.post(f"/projects/{project_id}/tags?name=tag_ids")
    again = await project_api.post(f"/projects/{project_id}/tags?name=tag_ids")
    assert "'tag_ids'" in refused(again, 400, "BadRequestTagNameNotUnique")


async def test_what_trains_is_not_called_published(
    project_api: httpx.AsyncClient, project_suite: TrainingSuite
) -> None:
    """An iteration in training keeps itself and its project from being deleted, under a code of its own."""
    project_id, _ = await make_trainable(project_suite.project)
    iteration = await freeze(project_suite.project, project_id)
    for path in (f"/projects/{project_id}", f"/projects/{project_id}/iterations/{iteration.iteration_id}"):
        message = refused(await project_api.delete(path), 400, "BadRequestOperationNotSupported")
        assert "in training" in message


@pytest.mark.parametrize("entries", [b"{},", b"1,", b"[],"])
async def test_bodies_of_very_many_values_are_refused_unread(
    client: httpx.AsyncClient, keys: Keys, entries: bytes
) -> None:
    """A body of millions of values, small as it is, is refused before any is looked at, with what to do."""
    client.headers["Training-Key"] = keys.training_key
    body = b'{"images":[' + entries * 1_000_000 + b"{}]}"
    answer = await client.post(f"{TRAINING_API}/projects/{MISSING}/images/files", content=body)
    assert "split" in refused(answer, 400, "BadRequestExceededBatchSize")


async def test_a_refused_sender_gets_its_answer(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has more to send than is read, or announces a body that never comes, is told why all the same."""
    monkeypatch.setattr(unread_bodies, "MAX_UNREAD_SECONDS", 0.5)
    monkeypatch.setattr(unread_bodies, "MAX_UNREAD_BYTES", 1024 * 1024)
    # By then it listens.
    await client.get("/healthz")
    assert "Unauthorized" in await head_and_body(client, sent=0)
    assert "Unauthorized" in await head_and_body(client, sent=2 * 1024 * 1024)


async def head_and_body(client: httpx.AsyncClient, *, sent: int) -> str:
    """Returns the answer to a request with a wrong key of which only the beginning of the body is sent."""
    reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    lines = (
        f"POST {TRAINING_API}/projects HTTP/1.1",
        "Host: localhost",
        "Training-Key: bad",
        "Content-Length: 99999999",
    )
    writer.write("\r\n".join([*lines, "", ""]).encode() + b"x" * sent)
    answer = b""
    async with asyncio.timeout(30):
        while b"}" not in answer:
            answer += await reader.read(4096) or b"}"
    writer.close()
    return answer.decode()
