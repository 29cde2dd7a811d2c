"""How the blocking client ends its streams, so that the program that uses it can end."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from customvision.client import Client, ClientSettings
from customvision.v1 import images_pb2
from scripted_server import ScriptedCall, ScriptedServer

MakeSettings = Callable[..., ClientSettings]
REQUEST = images_pb2.GetImageContentRequest(project_id="p", image_id="one")
# What arrives of an open stream before it is ended.
READ_COUNTS = [0, 1, 2]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A service whose streams of an image's content stay open after two pieces."""
    leave = threading.Event()

    def stay_open(call: ScriptedCall) -> Iterator[images_pb2.ImageContentChunk]:
        for _ in range(2):
            yield images_pb2.ImageContentChunk(data=b"piece", image_id=call.request.image_id)
        leave.wait()

    with ScriptedServer({"GetImageContent": stay_open}) as served:
        yield served
        leave.set()


def has_ended(stream: Any) -> bool:
    """Tells whether gRPC has handled the end of a stream: then it takes no more callbacks."""
    return not stream.add_callback(lambda: None)


@pytest.mark.parametrize("read_count", READ_COUNTS)
def test_a_cancelled_stream_has_ended(server: ScriptedServer, make_settings: MakeSettings, read_count: int) -> None:
    """No thread of gRPC has a cancelled stream in its hands any more: at the interpreter's end it would keep it."""
    with Client(make_settings(server.address)) as client:
        stream = client.project.GetImageContent(REQUEST)
        for _ in range(read_count):
            next(stream)
        assert not has_ended(stream)
        stream.cancel()
        assert has_ended(stream)


@pytest.mark.parametrize("read_count", READ_COUNTS)
def test_the_streams_of_a_closed_client_have_ended(
    server: ScriptedServer, make_settings: MakeSettings, read_count: int
) -> None:
    """Streams that the program left open, as after an error, end with the client, before the program does."""
    with Client(make_settings(server.address)) as client:
        streams = [client.project.GetImageContent(REQUEST) for _ in range(8)]
        for stream in streams:
            for _ in range(read_count):
                next(stream)
    assert all(map(has_ended, streams))
