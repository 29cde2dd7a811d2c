"""Test sets from both clients."""

from collections.abc import Callable
from pathlib import Path

import pytest

from customvision.client import AsyncClient, Client, ClientSettings, CustomVisionError, LabelledImage
from customvision.v1 import training_service_pb2 as training
from scripted_server import ScriptedCall, ScriptedServer

MakeSettings = Callable[..., ClientSettings]


def counted(call: ScriptedCall) -> training.EvaluateIterationResponse:
    """Answers with the ids of what arrived."""
    return training.EvaluateIterationResponse(
        unreadable_image_ids=[message.image.image_id for message in call.request[1:]]
    )


@pytest.fixture
def images(tmp_path: Path) -> list[LabelledImage]:
    """Three files, of which the last does not exist."""
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(name.encode())
    return [LabelledImage(name, tmp_path / name, ["rose"]) for name in ("a", "b", "gone")]


def test_images_are_read_as_they_are_sent(make_settings: MakeSettings, images: list[LabelledImage]) -> None:
    """Each file travels with its id and tags, one that is gone as empty, and the caller hears how many were sent."""
    told: list[int] = []
    settings = make_settings
    with ScriptedServer({"EvaluateIteration": counted}) as server, Client(settings(server.address)) as client:
        answer = client.evaluate_iteration("p", "i", iter(images), threshold=0.4, on_sent=told.append)
        call = server.calls["EvaluateIteration"][0]
    assert list(answer.unreadable_image_ids) == ["a", "b", "gone"]
    assert [message.image.data for message in call.request[1:]] == [b"a", b"b", b""]
    assert call.request[0].header.threshold == 0.4
    assert told == [1, 2, 3]
    # gRPC counts by the clock on the wall, which may be set meanwhile.
    assert 3000 < call.context.time_remaining() < 4200


async def test_the_asynchronous_client_does_the_same(make_settings: MakeSettings, images: list[LabelledImage]) -> None:
    """The asynchronous client sends the same messages without holding up the event loop with files."""
    with ScriptedServer({"EvaluateIteration": counted}) as server:
        async with AsyncClient(make_settings(server.address)) as client:
            answer = await client.evaluate_iteration("p", "i", images)
    assert list(answer.unreadable_image_ids) == ["a", "b", "gone"]
    assert not server.calls["EvaluateIteration"][0].request[0].header.HasField("threshold")


def test_results_are_paged(make_settings: MakeSettings) -> None:
    """Results come over pages, with the filters on each."""

    def page(call: ScriptedCall) -> training.ListImageResultsResponse:
        token = "" if call.request.page_token else "more"
        return training.ListImageResultsResponse(
            results=[training.ImageResult(image_id=str(call.number))], next_page_token=token
        )

    with ScriptedServer({"ListImageResults": page}) as server, Client(make_settings(server.address)) as client:
        found = [result.image_id for result in client.list_image_results("p", "i", wrong_only=True)]
        assert found == ["1", "2"]
        assert all(call.request.wrong_only for call in server.calls["ListImageResults"])


def test_a_service_that_is_away_is_told(make_settings: MakeSettings, images: list[LabelledImage]) -> None:
    """A test set for a service that does not answer ends with the usual error."""
    with Client(make_settings("127.0.0.1:9")) as client, pytest.raises(CustomVisionError, match="Nothing answers"):
        client.evaluate_iteration("p", "i", images)
