"""Following what the prediction service answers with, whatever becomes of the connection."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import aclosing
from itertools import islice

import grpc
import pytest

from customvision.client import AsyncClient, Client, ClientSettings, CustomVisionError
from customvision.v1 import prediction_service_pb2 as messages
from scripted_server import ScriptedCall, ScriptedServer

MakeSettings = Callable[..., ClientSettings]
Event = messages.ModelEvent
SYNCHRONIZED = Event(synchronized=messages.ModelsSynchronized())


def model(name: str, serving: str = "", *, last_use: int = 0) -> Event:
    """Returns the news of a model."""
    served = messages.ServedModel(project_id="p", publish_name=name, iteration_id="i", serving_iteration_id=serving)
    served.last_use_time.FromSeconds(last_use)
    return Event(model=served)


def removed(name: str) -> Event:
    """Returns the news that a model went."""
    return Event(removed=messages.RemovedModel(project_id="p", publish_name=name))


def watch(call: ScriptedCall) -> Iterator[Event]:
    """Breaks off twice; what happens meanwhile is told only by what comes, and does not, before synchronized."""
    assert call.request.project_id == "p"
    heartbeat = Event(heartbeat=messages.ModelsHeartbeat())
    if call.number == 1:
        yield from (model("a"), model("b", "1"), SYNCHRONIZED, heartbeat, model("a", "2"), removed("unheard of"))
        call.fail(grpc.StatusCode.UNAVAILABLE)
    elif call.number == 2:
        # Ends without an error, as behind some proxies.
        yield from (model("a", "2", last_use=5), model("c"))
    else:
        yield from (model("a", "2", last_use=6), model("c"), model("d"), SYNCHRONIZED, removed("c"))
        call.fail(grpc.StatusCode.PERMISSION_DENIED)


NEWS = ["a", "b1", "all", "a2", "c", "d", "-b", "-c"]


def told(event: Event) -> str:
    """Returns news in short."""
    match event.WhichOneof("event"):
        case "model":
            return event.model.publish_name + event.model.serving_iteration_id
        case "removed":
            return f"-{event.removed.publish_name}"
    return "all"


def test_only_what_is_news_comes(make_settings: MakeSettings) -> None:
    """Through breaks each change comes once, what went meanwhile as well; an error that lasts ends the watch."""
    with ScriptedServer({"WatchModels": watch}) as server, Client(make_settings(server.address)) as client:
        events = client.watch_models("p")
        assert [told(event) for event in islice(events, len(NEWS))] == NEWS
        with pytest.raises(CustomVisionError):
            next(events)


def test_only_what_is_news_comes_to_an_event_loop(make_settings: MakeSettings) -> None:
    """The client for an event loop does the same."""

    async def follow(address: str) -> list[str]:
        seen: list[str] = []
        async with AsyncClient(make_settings(address)) as client, aclosing(client.watch_models("p")) as events:
            async for event in events:
                seen.append(told(event))
                if len(seen) == len(NEWS):
                    break
        return seen

    with ScriptedServer({"WatchModels": watch}) as server:
        assert asyncio.run(follow(server.address)) == NEWS
