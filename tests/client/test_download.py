"""Streams that end as files: whole or not at all, however many come at once."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from customvision.client import AsyncClient, Client, ClientSettings, CustomVisionError
from customvision.v1 import images_pb2
from scripted_server import ScriptedCall, ScriptedServer

MakeSettings = Callable[..., ClientSettings]
Chunks = Iterator[images_pb2.ImageContentChunk]
PROJECT = "22222222-2222-4222-8222-222222222222"
PATIENCE_SECONDS = 10.0
PIECE = bytes(2**20)


def chunks(call: ScriptedCall, count: int = 3) -> Chunks:
    """Answers an image of some pieces."""
    for _ in range(count):
        yield images_pb2.ImageContentChunk(data=PIECE, image_id=call.request.image_id, content_type="image/jpeg")


def names(folder: Path) -> set[str]:
    """Returns the names of what is in a folder."""
    return {path.name for path in folder.iterdir()}


def test_a_download_arrives_under_the_name_suggested(make_settings: MakeSettings, tmp_path: Path) -> None:
    """A file that another program left half written is neither used nor removed."""
    other = tmp_path / f".customvision-{os.getpid()}.part"
    other.write_text("another's")
    with ScriptedServer({"GetImageContent": chunks}) as server, Client(make_settings(server.address)) as client:
        path = client.download_image(PROJECT, "one", tmp_path)
    assert path == tmp_path / "one.jpg"
    assert path.read_bytes() == 3 * PIECE
    assert names(tmp_path) == {"one.jpg", other.name}


def test_downloads_at_once_do_not_meet(make_settings: MakeSettings, tmp_path: Path) -> None:
    """Two downloads of one process into one folder both arrive, and are on the disk before they have ended."""
    begun = threading.Barrier(3)
    go_on = threading.Event()

    def pause_midway(call: ScriptedCall) -> Chunks:
        yield from chunks(call, 2)
        begun.wait(PATIENCE_SECONDS)
        go_on.wait(PATIENCE_SECONDS)
        yield from chunks(call, 1)

    def half_written() -> bool:
        parts = list(tmp_path.glob(".customvision-*.part"))
        return len(parts) == 2 and all(part.stat().st_size >= len(PIECE) for part in parts)

    with (
        ScriptedServer({"GetImageContent": pause_midway}) as server,
        Client(make_settings(server.address)) as client,
        ThreadPoolExecutor(2) as threads,
    ):
        paths = [threads.submit(client.download_image, PROJECT, name, tmp_path) for name in ("one", "two")]
        begun.wait(PATIENCE_SECONDS)
        try:
            wait_until(half_written)
        finally:
            go_on.set()
        assert [path.result().read_bytes() for path in paths] == [3 * PIECE] * 2
    assert names(tmp_path) == {"one.jpg", "two.jpg"}


async def test_a_broken_download_leaves_nothing(make_settings: MakeSettings, tmp_path: Path) -> None:
    """A stream that breaks leaves the file of before, and no other."""

    def break_off(call: ScriptedCall) -> Chunks:
        yield from chunks(call, 1)
        call.fail(grpc.StatusCode.UNAVAILABLE)

    target = tmp_path / "image.jpg"
    target.write_text("before")
    with ScriptedServer({"GetImageContent": break_off}) as server:
        async with AsyncClient(make_settings(server.address)) as client:
            with pytest.raises(CustomVisionError, match=server.address):
                await client.download_image(PROJECT, "one", target)
    assert names(tmp_path) == {"image.jpg"}
    assert target.read_text() == "before"


def test_a_folder_that_is_not_there_is_named(make_settings: MakeSettings, tmp_path: Path) -> None:
    """A file that cannot be written ends in a sentence that names it."""
    with (
        ScriptedServer({"GetImageContent": chunks}) as server,
        Client(make_settings(server.address)) as client,
        pytest.raises(CustomVisionError, match="nowhere") as failure,
    ):
        client.download_image(PROJECT, "one", tmp_path / "nowhere" / "one.jpg")
    assert failure.value.reason == "FILE_NOT_WRITABLE"


def wait_until(condition: Callable[[], bool]) -> None:
    """Waits until ``condition()`` is true."""
    tick = threading.Event()
    for _ in range(int(100 * PATIENCE_SECONDS)):
        if condition():
            return
        tick.wait(0.01)
    raise TimeoutError
