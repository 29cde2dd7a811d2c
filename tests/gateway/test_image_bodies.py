"""Image files read from bodies as they come, and the room that they take."""

import asyncio
import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as some
from starlette.requests import Request
from starlette.types import Message

from customvision.gateway import bodies, room
from customvision.gateway.api_errors import ApiError
from customvision.gateway.bodies import chunks
from customvision.gateway.image_files import MAX_BODY_BYTES, ImageFile, image_files
from customvision.gateway.room import MAX_BYTES_AT_ONCE, Room, room_for

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


async def read(pieces: Sequence[bytes], content_type: bytes) -> list[ImageFile]:
    """Returns the files of a body that comes in these pieces."""
    async with image_files(request_of(pieces, content_type), Room()) as files:
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


def test_the_largest_bodies_find_room() -> None:
    """A form and a JSON batch of the largest size fit into the room when they are alone."""
    assert room_for(MAX_BODY_BYTES) <= MAX_BYTES_AT_ONCE
    assert room_for(bodies.MAX_BATCH_BYTES, bodies.COPIES_OF_JSON) <= MAX_BYTES_AT_ONCE


async def test_room_is_given_in_order_and_always_back() -> None:
    """A large body is not overtaken for ever by small ones, and who leaves, waiting or not, gives back what it took."""
    shared = Room(room_for(10))
    order: list[str] = []
    leave = asyncio.Event()

    async def take(name: str, size: int) -> None:
        with shared.place(size) as place:
            async with place.coming():
                await place.grow(size)
            order.append(name)
            await leave.wait()

    first = asyncio.create_task(take("first", 6))
    large = asyncio.create_task(take("large", 10))
    impatient = asyncio.create_task(take("impatient", 1))
    small = asyncio.create_task(take("small", 1))
    while not order:
        await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.wait([impatient])
    assert order == ["first"]
    first.cancel()
    await asyncio.wait([first])
    leave.set()
    await asyncio.gather(large, small)
    assert order == ["first", "large", "small"]
    assert shared.free == room_for(10)


async def test_a_body_holds_room_for_what_has_come() -> None:
    """A body that declares much and sends little holds little, and one past its limit no more than the limit."""
    shared = Room()
    request = request_of([b"x" * 10, b"x" * 5], b"")
    with shared.place(limit=12) as place:
        held = [MAX_BYTES_AT_ONCE - shared.free async for _ in chunks(request, place)]
    # The last piece is empty.
    assert held == [room_for(10), room_for(12), room_for(12)]
    assert shared.free == MAX_BYTES_AT_ONCE


async def receive(shared: Room, *lengths: int) -> None:
    """Reads a body that comes up to each of these lengths and then no further."""
    with shared.place(100) as place:
        async with place.coming():
            for length in lengths:
                await place.grow(length)
            await asyncio.Event().wait()


async def test_bodies_that_fill_the_room_in_part_do_not_block_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none that has come in part can go on, the largest is refused with 503, and the others get its room."""
    monkeypatch.setattr(room, "PATIENCE_SECONDS", 0.05)
    shared = Room(room_for(10))
    small = asyncio.create_task(receive(shared, 4, 5))
    with pytest.raises(ApiError) as caught:
        await receive(shared, 6, 7)
    assert (caught.value.status, caught.value.retry_seconds) == (503, 1)
    while shared.free != room_for(5):
        await asyncio.sleep(0)
    small.cancel()
    await asyncio.wait([small])
    assert shared.free == room_for(10)


async def test_a_newcomer_gets_the_room_of_a_sender_that_holds_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that has come in part and fills the room is refused for the sake of a small one, also while it is read."""
    monkeypatch.setattr(room, "PATIENCE_SECONDS", 0.05)
    shared = Room(room_for(10))
    holder = asyncio.create_task(receive(shared, 10))
    while shared.free:
        await asyncio.sleep(0)
    with shared.place(10) as place:
        async with place.coming():
            await place.grow(1)
        assert shared.free == room_for(9)
    with pytest.raises(ApiError) as caught:
        await holder
    assert caught.value.status == 503


async def test_who_finds_no_room_beside_bodies_in_work_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that has come whole keeps its room; who waits for it is told when to come back, and takes nothing."""
    monkeypatch.setattr(room, "PATIENCE_SECONDS", 0.05)
    shared = Room(room_for(10))
    with shared.place(10) as whole:
        async with whole.coming():
            await whole.grow(10)
        for _ in range(2):
            with pytest.raises(ApiError) as caught:
                await receive(shared, 1)
            assert caught.value.status == 503
        assert shared.free == 0
    assert shared.free == room_for(10)


async def test_a_body_that_comes_too_slowly_gives_its_room_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender of which too little comes is told so with 408, also where it never falls silent."""
    monkeypatch.setattr(bodies, "SLOWEST_SECONDS", 0.05)
    shared = Room()
    for silence in (0.001, None):

        async def drip(silence: float | None = silence) -> Message:
            await (asyncio.Event().wait() if silence is None else asyncio.sleep(silence))
            return {"type": "http.request", "body": b"x", "more_body": True}

        with pytest.raises(ApiError) as caught:
            async with image_files(Request(request_of([], b"application/octet-stream").scope, drip), shared):
                pass
        assert caught.value.status == 408
        assert shared.free == MAX_BYTES_AT_ONCE


async def test_a_slow_line_that_keeps_on_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts is that enough comes in each stretch of time, not how long the whole takes."""
    monkeypatch.setattr(bodies, "SLOWEST_SECONDS", 10.0)
    monkeypatch.setattr(bodies, "SLOWEST_BYTES", 1)
    clock = asyncio.get_running_loop()
    left, ahead, real = 30, 0.0, clock.time
    monkeypatch.setattr(clock, "time", lambda: real() + ahead)

    async def arrive() -> Message:
        nonlocal left, ahead
        left, ahead = left - 1, ahead + 5.0
        return {"type": "http.request", "body": b"x", "more_body": left > 0}

    slow = Request(request_of([], b"application/octet-stream").scope, arrive)
    async with image_files(slow, Room()) as (file,):
        assert len(file.data) == 30


async def test_a_caller_that_leaves_is_no_error_of_ours() -> None:
    """A connection that ends under a body ends its request as a refusal."""

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(ApiError) as caught:
        async for _ in chunks(Request(request_of([], b"").scope, receive)):
            pass
    assert caught.value.status == 400
