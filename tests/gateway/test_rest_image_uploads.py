"""Images made through the REST API, of files in forms, raw bytes and base64."""

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from customvision.common.keys import Keys
from customvision.gateway import room as rooms
from customvision.gateway.room import Room, room_for
from pictures import encoded, photo, picture
from project_calls import MISSING, image_list, make_project, make_tag
from running_gateway import TRAINING_API, ServedGateway, client_of, gateway

BOUNDARY = "--------------------------0123456789"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
RAW = {"Content-Type": "application/octet-stream"}
MAX_IMAGE = 6 * 2**20


def part(data: bytes, *, name: str = "imageData", file_name: str | None = None) -> bytes:
    """Returns a part of a form, as the SDKs write it."""
    named = "" if file_name is None else f'; filename="{file_name}"'
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + data + b"\r\n"


def form(*parts: bytes) -> bytes:
    """Returns a whole form."""
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


async def post(gateway: ServedGateway, project_id: str, path: str = "", version: str = "", **request: Any) -> Any:
    """Posts images and returns the response."""
    root = TRAINING_API.replace("v3.4-preview", version) if version else TRAINING_API
    return await gateway.client.post(f"{root}/projects/{project_id}/images{path}", **request)


async def test_a_part_without_a_file_name_is_stored_whole(served: ServedGateway) -> None:
    """The SDKs send bytes as a form part without a file name; every byte arrives, and no source is told."""
    project_id = (await make_project(served.project)).project_id
    data = encoded(picture(1, size=(900, 700)), "PNG")
    assert len(data) > 2**20
    answer = await post(served, project_id, content=form(part(data)), headers=FORM)
    assert answer.status_code == 200, answer.text
    summary = answer.json()
    assert summary["isBatchSuccessful"] is True
    (entry,) = summary["images"]
    assert {key: entry[key] for key in entry if key != "image"} == {"status": "OK"}
    assert (entry["image"]["width"], entry["image"]["height"]) == (900, 700)
    stored = (await image_list(served.project, project_id))[0]
    assert stored.image_id == entry["image"]["id"]


async def test_raw_bytes_and_forms_with_file_names_name_their_source(served: ServedGateway) -> None:
    """A file's name comes back in quotes as the API tells it, and is stored without the folders in it."""
    project_id = (await make_project(served.project)).project_id
    assert (await post(served, project_id, content=photo(1), headers=RAW)).json()["isBatchSuccessful"] is True
    body = form(part(photo(2), name="imageData1", file_name="../hemlock_10.jpg"), part(b"x", name="other"))
    entry = (await post(served, project_id, content=body, headers=FORM)).json()["images"][0]
    assert entry["sourceUrl"] == '"../hemlock_10.jpg"'
    names = {image.file_name for image in await image_list(served.project, project_id)}
    assert names == {"", "hemlock_10.jpg"}


async def test_an_image_of_the_service_has_the_keys_that_clients_know(served: ServedGateway) -> None:
    """Keys of tags and metadata are absent, not null, where an image has none; three links come with it."""
    project_id = (await make_project(served.project)).project_id
    image = (await post(served, project_id, content=photo(1), headers=RAW)).json()["images"][0]["image"]
    assert set(image) == {
        "id", "created", "width", "height", "resizedImageUri", "thumbnailUri", "originalImageUri"
    }  # fmt: skip
    assert image["created"].endswith("Z")
    assert image["resizedImageUri"] == image["originalImageUri"] != image["thumbnailUri"]


@pytest.mark.parametrize(("version", "status"), [("v3.0", 200), ("v3.2", 200), ("v3.3", 207), ("v3.4-preview", 207)])
async def test_a_duplicate_makes_a_batch_unsuccessful_and_gets_the_new_tags(
    served: ServedGateway, version: str, status: int
) -> None:
    """A duplicate answers the image that is there, which gets the new tags; versions from 3.3 on answer 207."""
    project_id = (await make_project(served.project, multilabel=True)).project_id
    tag_id = await make_tag(served.project, project_id, "rose")
    first = (await post(served, project_id, content=photo(1), headers=RAW)).json()["images"][0]["image"]["id"]
    body = form(part(photo(1)), part(b"no image"), part(photo(2)))
    request: dict[str, Any] = {"content": body, "headers": FORM, "params": {"tagIds": tag_id}}
    answer = await post(served, project_id, version=version, **request)
    assert answer.status_code == status
    summary = answer.json()
    assert summary["isBatchSuccessful"] is False
    assert [entry["status"] for entry in summary["images"]] == ["OKDuplicate", "ErrorImageFormat", "OK"]
    assert summary["images"][0]["image"]["id"] == first
    assert "image" not in summary["images"][1]
    assert summary["images"][1]["message"]
    tagged = [image.tag_ids for image in await image_list(served.project, project_id)]
    assert tagged == [[tag_id], [tag_id]]


async def test_a_batch_without_a_readable_file_is_told_file_by_file(served: ServedGateway) -> None:
    """Also where no file can be read, the answer says of each what is wrong, instead of refusing all at once."""
    project_id = (await make_project(served.project)).project_id
    answer = await post(served, project_id, content=form(part(b"a"), part(b"b")), headers=FORM)
    assert answer.status_code == 207
    assert [entry["status"] for entry in answer.json()["images"]] == ["ErrorImageFormat"] * 2


@pytest.mark.parametrize(("version", "word"), [("v3.3", "ErrorUnknown"), ("v3.4-preview", "ErrorInvalidTag")])
async def test_older_versions_get_words_that_they_know(served: ServedGateway, version: str, word: str) -> None:
    """A status that came with 3.4 is told to clients of older versions in a word that they know."""
    project_id = (await make_project(served.project)).project_id
    request: dict[str, Any] = {"content": photo(1), "headers": RAW, "params": {"tagIds": MISSING}}
    answer = await post(served, project_id, version=version, **request)
    assert [entry["status"] for entry in answer.json()["images"]] == [word]


async def test_six_mebibytes_are_taken_and_one_byte_more_is_not(served: ServedGateway) -> None:
    """The limit is exact: a file of 6 MiB is stored; one byte more is refused alone, the others of its form go on."""
    project_id = (await make_project(served.project)).project_id
    jpeg = photo(1)
    # What follows the end of a JPEG is passed over by decoders.
    largest = jpeg + bytes(MAX_IMAGE - len(jpeg))
    body = form(part(largest), part(largest + b"x"), part(photo(2)))
    answer = await post(served, project_id, content=body, headers=FORM)
    assert [entry["status"] for entry in answer.json()["images"]] == ["OK", "ErrorImageSize", "OK"]
    answer = await post(served, project_id, content=largest + b"x", headers=RAW)
    assert [entry["status"] for entry in answer.json()["images"]] == ["ErrorImageSize"]


async def test_sixty_four_files_are_taken_and_sixty_five_change_nothing(served: ServedGateway) -> None:
    """A form takes 64 files; one more refuses the whole call, and nothing of it is stored."""
    project_id = (await make_project(served.project)).project_id
    parts = [part(photo(seed)) for seed in range(65)]
    answer = await post(served, project_id, content=form(*parts), headers=FORM)
    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequestExceededBatchSize")
    assert await image_list(served.project, project_id) == []
    answer = await post(served, project_id, content=form(*parts[:64]), headers=FORM)
    assert [entry["status"] for entry in answer.json()["images"]] == ["OK"] * 64


async def test_large_batches_travel_in_several_calls_and_answer_in_order(served: ServedGateway) -> None:
    """More than one call takes is split, and the results come in the order of the request."""
    project_id = (await make_project(served.project)).project_id
    # Noise does not compress: each is about 5 MB, all are twice what one call takes.
    big = [photo(seed) + os.urandom(5 * 2**20) for seed in range(9)]
    parts = [part(data, file_name=f"{number}.jpg") for number, data in enumerate(big)]
    parts.insert(4, part(b"no image", file_name="wrong"))
    entries = (await post(served, project_id, content=form(*parts), headers=FORM)).json()["images"]
    wanted = [f'"{name}"' for name in ("0.jpg", "1.jpg", "2.jpg", "3.jpg", "wrong", *(f"{n}.jpg" for n in range(4, 9)))]
    assert [entry["sourceUrl"] for entry in entries] == wanted
    assert [entry["status"] for entry in entries] == ["OK"] * 4 + ["ErrorImageFormat"] + ["OK"] * 5


NO_IMAGES: list[tuple[dict[str, str], bytes]] = [
    ({"Content-Type": "multipart/form-data"}, b"raw bytes"),
    ({"Content-Type": "application/x-www-form-urlencoded"}, b"raw bytes"),
    ({"Content-Type": "application/json"}, b"{}"),
    (FORM, b"raw bytes"),
    (FORM, part(b"no end")),
    (FORM, form(part(b"x", name="file"))),
    (FORM, form()),
    ({"Content-Type": f"multipart/form-data; boundary={'x' * 300}"}, b"raw bytes"),
    (RAW, b""),
]


async def test_bodies_that_hold_no_image_are_refused_with_how_to_send_one(served: ServedGateway) -> None:
    """A body that is no form, not whole, of another type or without an image part says how images are sent."""
    project_id = (await make_project(served.project)).project_id
    for headers, content in NO_IMAGES:
        answer = await post(served, project_id, content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "BadRequestImageStream"), headers
        assert "imageData" in answer.json()["message"]


async def test_who_sends_too_much_gets_to_read_why(served: ServedGateway) -> None:
    """A refusal reaches a caller that is still sending, without and with a key."""
    project_id = (await make_project(served.project)).project_id
    body = bytes(20 * 2**20)
    answer = await served.bare.post(f"{TRAINING_API}/projects/{project_id}/images", content=body, headers=RAW)
    assert answer.status_code == 401
    answer = await post(served, project_id, content=body, headers={"Content-Type": "text/plain"})
    assert answer.json()["code"] == "BadRequestImageStream"


async def test_base64_files_are_read_in_every_usual_spelling(served: ServedGateway) -> None:
    """Standard and URL alphabets, line breaks and missing padding are read; tags of batch and entry are given."""
    project_id = (await make_project(served.project, multilabel=True)).project_id
    tags = [await make_tag(served.project, project_id, name) for name in ("rose", "dahlia")]
    contents = [
        base64.b64encode(photo(1)).decode(),
        base64.urlsafe_b64encode(photo(2)).decode().rstrip("="),
        base64.encodebytes(photo(3)).decode(),
    ]
    images: list[dict[str, Any]] = [{"name": f"{n}.jpg", "contents": text} for n, text in enumerate(contents)]
    images[0]["tagIds"] = [tags[1]]
    answer = await post(served, project_id, "/files", json={"images": images, "tagIds": tags[:1], "metadata": None})
    assert answer.status_code == 200, answer.text
    assert [entry["sourceUrl"] for entry in answer.json()["images"]] == ["0.jpg", "1.jpg", "2.jpg"]
    stored = await image_list(served.project, project_id)
    assert [sorted(image.tag_ids) for image in stored] == [sorted(tags), tags[:1], tags[:1]]


WRONG_BATCHES: list[tuple[dict[str, Any], str]] = [
    ({"images": []}, "BadRequestImageBatch"),
    ({}, "BadRequestInvalid"),
    ({"images": [{"contents": "AAAA"}] * 65}, "BadRequestExceededBatchSize"),
    ({"images": [{"contents": "AAAA"}], "tagIds": [MISSING] * 21}, "BadRequestExceededBatchSize"),
    ({"images": [{"contents": "§"}]}, "BadRequestImageStream"),
    ({"images": [{"contents": "AAAA", "regions": [{"tagId": MISSING}]}]}, "BadRequestNotSupported"),
    ({"images": [{"contents": "AAAA", "tagIds": ["rose"]}]}, "BadRequestInvalid"),
]


async def test_batches_that_are_not_well_formed_change_nothing(served: ServedGateway) -> None:
    """A batch that is empty, too long or cannot be read is refused whole with the code that the API has for it."""
    project_id = (await make_project(served.project)).project_id
    for body, code in WRONG_BATCHES:
        answer = await post(served, project_id, "/files", json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert await image_list(served.project, project_id) == []


@asynccontextmanager
async def gateway_with(room: Room, served: ServedGateway, keys: Keys) -> AsyncIterator[ServedGateway]:
    """Serves a gateway with this room before the services of another."""
    async with (
        gateway(served.settings, keys, room=room) as bare,
        client_of(bare.base_url, headers={"Training-Key": keys.training_key}, timeout=60) as client,
    ):
        yield replace(served, client=client, bare=bare)


async def test_many_uploads_at_once_stay_within_their_room(
    served: ServedGateway, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of sixty uploads at once, no more are read than there is room for; the others wait, and all are answered."""
    monkeypatch.setattr(rooms, "PATIENCE_SECONDS", 30.0)
    data = photo(1)
    room = Room(2 * room_for(len(data)))
    async with gateway_with(room, served, keys) as roomy:
        project_id = (await make_project(served.project)).project_id
        answers = await asyncio.gather(*(post(roomy, project_id, content=data, headers=RAW) for _ in range(60)))
        words = [answer.json()["images"][0]["status"] for answer in answers]
        assert sorted(words) == ["OK"] + ["OKDuplicate"] * 59
        assert room.lowest == 0
        assert room.free == 2 * room_for(len(data))


async def test_uploads_that_do_not_come_keep_nobody_waiting(served: ServedGateway, keys: Keys) -> None:
    """Beside senders that announce more than there is room for and send a few bytes, an upload is taken at once."""
    data = photo(1)
    async with gateway_with(Room(room_for(len(data)) + room_for(1000)), served, keys) as roomy:
        project_id = (await make_project(served.project)).project_id
        address = roomy.client.base_url
        head = (
            f"POST {TRAINING_API}/projects/{project_id}/images HTTP/1.1\r\nHost: {address.host}:{address.port}\r\n"
            f"Training-Key: {keys.training_key}\r\nContent-Type: application/octet-stream\r\n"
            "Content-Length: 6000000\r\n\r\n"
        )
        async with AsyncExitStack() as senders:
            for _ in range(30):
                _, sender = await asyncio.open_connection(address.host, address.port)
                senders.callback(sender.close)
                sender.write(head.encode() + b"x" * 10)
            answer = await post(roomy, project_id, content=data, headers=RAW)
            assert answer.json()["isBatchSuccessful"] is True


async def test_who_finds_no_room_is_told_when_to_come_back(
    served: ServedGateway, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upload or a batch that is larger than what gets free is answered 503 with Retry-After, and does not hang."""
    monkeypatch.setattr(rooms, "PATIENCE_SECONDS", 0.05)
    async with gateway_with(Room(10), served, keys) as roomy:
        project_id = (await make_project(served.project)).project_id
        batch = {"images": [{"contents": base64.b64encode(photo(1)).decode()}]}
        answers = [
            await post(roomy, project_id, content=photo(1), headers=RAW),
            await post(roomy, project_id, "/files", json=batch),
        ]
        for answer in answers:
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
