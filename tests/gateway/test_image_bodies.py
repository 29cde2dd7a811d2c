"""Image files read from bodies as they come, and the room that they take."""

import asyncio
import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as some
from starlette.requests import Request
from starlette.types import Message

from customvision.gateway import bodies
from customvision.gateway.api_errors import ApiError
from customvision.gateway.bodies import Room, chunks
from customvision.gateway.image_files import ImageFile, image_files

BOUNDARY = b"some--boundary"
# What may look like the end of a part, and is none.
DECOYS = some.sampled_from([b"\r\n--", b"\r\n--some--", b"--some--boundary--", b"\r\n\r\n", b"\r", b"\n", b"\x00\xff"])
DATA = (
    some.lists(some.one_of(DECOYS, some.binary(max_size=40)))
    .map(b"".join)
    .filter(lambda data: b"--" + BOUNDARY not in data)
)
PLAIN_NAMES = some.text("abc .-_äß写", max_size=20)
FILES = some.builds(ImageFile, name=some.one_of(some.none(), PLAIN_NAMES), data=DATA)


def request_of(pieces: Sequence[bytes], content_type: bytes) -> Request:
    """Returns a request whose body comes in these pieces."""
    left = list(pieces)

    async def receive() -> Message:
        piece = left.pop(0) if left else b""
        return {"type": "http.request", "body": piece, "more_body": bool(left)}

    headers = [(b"content-type", content_type)]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers, "query_string": b""}, receive)


def form_of(files: Sequence[ImageFile]) -> bytes:
    """Returns a form with these files."""
    body = b""
    for file in files:
        named = b"" if file.name is None else b'; filename="' + file.name.encode() + b'"'
        body += b"--" + BOUNDARY + b'\r\nContent-Disposition: form-data; name="imageData"' + named + b"\r\n\r\n"
        body += file.data + b"\r\n"
    return body + b"--" + BOUNDARY + b"--\r\n"


async def read(pieces: Sequence[bytes], content_type: bytes, room: Room | None = None) -> list[ImageFile]:
    """Returns the files of a body that comes in these pieces."""
    async with image_files(request_of(pieces, content_type), room or Room()) as files:
        return files


@given(files=some.lists(FILES, min_size=1, max_size=5), cuts=some.lists(some.integers(0, 400)))
def test_a_form_is_read_the_same_however_it_is_cut(files: list[ImageFile], cuts: list[int]) -> None:
    """Whatever the files hold and wherever the network parts the body, names and bytes come out as they went in."""
    body = form_of(files)
    ends = sorted({min(cut, len(body)) for cut in cuts} | {0, len(body)})
    pieces = [body[start:end] for start, end in itertools.pairwise(ends)]
    content_type = b"multipart/form-data; boundary=" + BOUNDARY
    assert asyncio.run(read(pieces, content_type)) == files


@given(body=some.binary(max_size=200), content_type=some.binary(max_size=60))
def test_any_body_is_read_or_refused(body: bytes, content_type: bytes) -> None:
    """Whatever comes under whatever type is a file or a refusal of the API, never an error of ours."""
    for given_type in (
        content_type,
        b"multipart/form-data; boundary=x",
        b"multipart/form-data; boundary=" + content_type,
    ):
        try:
            assert asyncio.run(read([body], given_type))
        except ApiError as error:
            assert error.status == 400


async def test_room_is_given_in_order_and_always_back() -> None:
    """A large body is not overtaken for ever by small ones, and who leaves, waiting or not, gives back what it took."""
    room = Room(10)
    order: list[str] = []
    leave = asyncio.Event()

    async def take(name: str, size: int) -> None:
        async with room.taken(size):
            order.append(name)
            await leave.wait()

    first = asyncio.create_task(take("first", 6))
    large = asyncio.create_task(take("large", 10))
    impatient = asyncio.create_task(take("impatient", 1))
    small = asyncio.create_task(take("small", 1))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.wait([impatient])
    assert order == ["first"]
    first.cancel()
    await asyncio.wait([first])
    leave.set()
    await asyncio.gather(large, small)
    assert order == ["first", "large", "small"]
    assert room.free == 10


async def test_a_body_that_falls_silent_gives_its_room_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender of which nothing comes is told so with 408, and the next one gets the room."""
    monkeypatch.setattr(bodies, "IDLE_SECONDS", 0.01)

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    silent = request_of([], b"application/octet-stream")
    silent = Request(silent.scope, receive)
    room = Room()
    with pytest.raises(ApiError) as caught:
        async with image_files(silent, room):
            pass
    assert caught.value.status == 408
    assert room.free == bodies.MAX_BYTES_AT_ONCE


async def test_a_caller_that_leaves_is_no_error_of_ours() -> None:
    """A connection that ends under a body ends its request as a refusal."""

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(ApiError) as caught:
        async for _ in chunks(Request(request_of([], b"").scope, receive)):
            pass
    assert caught.value.status == 400
