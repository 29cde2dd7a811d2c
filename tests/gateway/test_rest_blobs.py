"""What signed links open without a key, and what they do not."""

import io
import uuid
from collections.abc import Iterator
from typing import Any

import grpc
import httpx
import pytest
from PIL import Image as Picture

from customvision.gateway.links import LINK_SECONDS, STEADY_SECONDS
from customvision.v1 import stored_predictions_pb2, training_service_pb2
from pictures import encoded, picture
from project_calls import add_images, content_of, image_list, make_project
from running_gateway import TRAINING_API, ScriptedGateway, ServedGateway
from scripted_server import ScriptedCall

PROJECT, ITERATION = (str(uuid.uuid4()) for _ in range(2))
ZIP = bytes(range(256)) * 20_000


async def links_of_one_image(gateway: ServedGateway, data: bytes) -> tuple[str, dict[str, Any]]:
    """Stores an image and returns its project and its JSON."""
    project_id = (await make_project(gateway.project)).project_id
    await add_images(gateway.project, project_id, [data])
    (image,) = (await gateway.client.get(f"{TRAINING_API}/projects/{project_id}/images")).json()
    return project_id, image


async def test_links_of_an_image_open_without_a_key(served: ServedGateway) -> None:
    """A link answers the stored bytes with a type, never to be run, and HEAD answers the same without bytes."""
    # More than one piece of the stream, and a thumbnail, which is one.
    project_id, image = await links_of_one_image(served, encoded(picture(1, size=(900, 700)), "PNG"))
    (stored,) = await image_list(served.project, project_id)
    answer = await served.bare.get(image["originalImageUri"])
    assert answer.status_code == 200
    assert answer.content == await content_of(served.project, stored)
    assert len(answer.content) > 2**20
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"].startswith("private")
    thumbnail = await served.bare.get(image["thumbnailUri"])
    assert thumbnail.headers["content-type"] == "image/jpeg"
    assert max(Picture.open(io.BytesIO(thumbnail.content)).size) == 256
    head = await served.bare.head(image["thumbnailUri"])
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(thumbnail.content))
    again = await served.bare.get(image["thumbnailUri"], headers={"If-None-Match": head.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_a_link_opens_nothing_else(served: ServedGateway) -> None:
    """Another path or time, a damaged or missing signature are refused, also with a key; a deleted image is gone."""
    project_id, image = await links_of_one_image(served, encoded(picture(1)))
    link = image["originalImageUri"]
    bare, _, query = link.partition("?")
    for wrong in (
        bare,
        link.replace("/full", "/thumbnail"),
        link.replace(project_id, str(uuid.uuid4())),
        link.replace("expires=", "expires=1"),
        link[:-1] + ("0" if link[-1] != "0" else "1"),
        link + "%C3%A4",
        f"{bare}?expires=99999999999999999999&{query.partition('&')[2]}",
    ):
        answer = await served.client.get(wrong)
        assert (answer.status_code, answer.json()["code"]) == (403, "Forbidden"), wrong
    await served.client.delete(f"{TRAINING_API}/projects/{project_id}")
    assert (await served.bare.get(link)).status_code == 404


async def test_a_link_expires_and_stays_the_same_for_an_hour(served: ServedGateway, monkeypatch: Any) -> None:
    """Links are good for a day and a bit; within an hour the same thing has the same link, for browsers to keep."""
    project_id, _ = await links_of_one_image(served, encoded(picture(1)))
    path = f"{TRAINING_API}/projects/{project_id}/images"
    now = 1_800_000_000
    monkeypatch.setattr("customvision.gateway.links.time.time", lambda: now)
    first = (await served.client.get(path)).json()[0]["originalImageUri"]
    monkeypatch.setattr("customvision.gateway.links.time.time", lambda: now + STEADY_SECONDS - 1)
    assert (await served.client.get(path)).json()[0]["originalImageUri"] == first
    monkeypatch.setattr("customvision.gateway.links.time.time", lambda: now + LINK_SECONDS)
    assert (await served.bare.get(first)).status_code == 200
    monkeypatch.setattr("customvision.gateway.links.time.time", lambda: now + LINK_SECONDS + STEADY_SECONDS + 1)
    assert (await served.bare.get(first)).status_code == 403


async def test_links_of_a_kept_prediction_open_its_image(served: ServedGateway) -> None:
    """The image of a stored prediction is behind its links, in full and as a thumbnail."""
    project_id = (await make_project(served.project)).project_id
    request = stored_predictions_pb2.RecordPredictionRequest(
        prediction_id=str(uuid.uuid4()), project_id=project_id, image_data=encoded(picture(1))
    )
    await served.project.RecordPrediction(request)
    answer = await served.client.post(f"{TRAINING_API}/projects/{project_id}/predictions/query")
    (prediction,) = answer.json()["results"]
    for link in (prediction["originalImageUri"], prediction["thumbnailUri"]):
        answer = await served.bare.get(link)
        assert answer.headers["content-type"] == "image/jpeg"
        assert Picture.open(io.BytesIO(answer.content)).size == (96, 72)


def exports(*, file_name: str = "flowers — Iteration 1.zip", done: bool = True) -> dict[str, Any]:
    """Returns scripts of a training service that has one export."""
    state = training_service_pb2.EXPORT_STATE_DONE if done else training_service_pb2.EXPORT_STATE_EXPORTING
    export = training_service_pb2.Export(
        project_id=PROJECT,
        iteration_id=ITERATION,
        format=training_service_pb2.EXPORT_FORMAT_ONNX,
        state=state,
        file_name=file_name,
        size_bytes=len(ZIP),
    )

    def content(_: ScriptedCall) -> Iterator[training_service_pb2.ExportChunk]:
        for start in range(0, len(ZIP), 2**20):
            yield training_service_pb2.ExportChunk(data=ZIP[start : start + 2**20])

    return {
        "ListExports": lambda _: training_service_pb2.ListExportsResponse(exports=[export]),
        "GetExportContent": content,
    }


async def link_to_export(gateway: ServedGateway) -> str:
    """Returns the link that the API gives to the export."""
    answer = await gateway.client.get(f"{TRAINING_API}/projects/{PROJECT}/iterations/{ITERATION}/export")
    assert answer.status_code == 200, answer.text
    return str(answer.json()[0]["downloadUri"])


async def test_a_link_to_an_export_answers_a_whole_zip(scripted_gateway: ScriptedGateway) -> None:
    """The zip comes with its length and a name to save it by; HEAD and a known tag ask for none of its bytes."""
    gateway = scripted_gateway(exports())
    link = await link_to_export(gateway)
    head = await gateway.bare.head(link)
    assert head.headers["content-length"] == str(len(ZIP))
    assert head.headers["content-type"] == "application/zip"
    disposition = head.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="flowers-Iteration-1.zip"')
    known = await gateway.bare.get(link, headers={"If-None-Match": f'"other", {head.headers["etag"]}'})
    assert known.status_code == 304
    assert gateway.requests("GetExportContent") == []
    answer = await gateway.bare.get(link)
    assert answer.content == ZIP
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_an_export_that_is_not_there_is_not_found(scripted_gateway: ScriptedGateway) -> None:
    """A link to an export that was removed, or is being made anew, is 404."""
    gateway = scripted_gateway(exports())
    link = await link_to_export(gateway)
    path = link.partition("/blobs/")[2]
    gateway = scripted_gateway(exports(done=False))
    answer = await gateway.bare.get("/blobs/" + path)
    assert (answer.status_code, answer.json()["code"]) == (404, "NotFound")


async def test_a_zip_that_breaks_off_does_not_look_whole(scripted_gateway: ScriptedGateway) -> None:
    """Where the service fails in the middle of a zip, the connection ends short of the announced length."""

    def content(call: ScriptedCall) -> Iterator[training_service_pb2.ExportChunk]:
        yield training_service_pb2.ExportChunk(data=ZIP[: 2**20])
        call.fail(grpc.StatusCode.INTERNAL)

    scripts = {**exports(), "GetExportContent": content}
    gateway = scripted_gateway(scripts)
    link = await link_to_export(gateway)
    with pytest.raises(httpx.RemoteProtocolError):
        await gateway.bare.get(link)
