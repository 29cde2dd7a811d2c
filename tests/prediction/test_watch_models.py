"""Watching the models of a prediction service."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customvision.common.notifier import ServiceStopping
from customvision.common.status import error_from_call
from customvision.prediction.errors import ModelsWatchBehind
from customvision.prediction.model import Model
from customvision.prediction.model_changes import ModelChanges
from customvision.prediction.model_watch import AllTold, Heartbeat, ModelNews, Removed, watch_models
from customvision.prediction.publication import ModelName, PublishedModel
from customvision.prediction.registry import Registry
from customvision.prediction.served_model import ServedModel
from customvision.v1 import prediction_service_pb2 as messages
from models import model
from prediction.running_suite import PATIENCE_SECONDS, Suite


async def never(_: PublishedModel) -> Model:
    """Loads without end."""
    await asyncio.Event().wait()
    raise AssertionError


@pytest.fixture
async def registry() -> AsyncIterator[Registry]:
    """A registry whose models are loading for ever."""
    registry = Registry(never)
    yield registry
    registry.close()


def publish(registry: Registry, name: str, iteration_id: str = "i", project_id: str = "p") -> None:
    """Publishes an iteration."""
    registry.publish(PublishedModel(ModelName(project_id, name), iteration_id, "", ""))


def told(news: ModelNews) -> str:
    """Returns an item of news in short."""
    match news:
        case ServedModel():
            return f"{news.published.name.publish_name}={news.published.iteration_id}"
        case Removed(name):
            return f"-{name.publish_name}"
        case AllTold():
            return "all"
        case Heartbeat():
            return "heartbeat"


async def test_tells_all_models_then_each_change_until_the_service_drains(suite: Suite) -> None:
    """A watcher sees what there is, loading, loaded, replaced and withdrawn; its stream ends with the service."""
    suite.project.publish("p", "m", "1", model())
    suite.project.publish("q", "other", "2", model())
    async with suite.prediction() as prediction:
        await prediction.serving("1", "2")
        watch: Any = prediction.stub.WatchModels(messages.WatchModelsRequest())
        project_watch: Any = prediction.stub.WatchModels(messages.WatchModelsRequest(project_id="q"))
        begun = [await watch.read() for _ in range(3)]
        assert [event.model.publish_name for event in begun] == ["m", "other", ""]
        assert begun[2].HasField("synchronized")
        suite.project.publish("p", "m", "3", model(("x", "y")))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (event := await watch.read()).model.serving_iteration_id != "3":
                assert event.model.iteration_id == "3"
        suite.project.unpublish("p", "m")
        removed = (await watch.read()).removed
        assert (removed.project_id, removed.publish_name) == ("p", "m")
        assert [(await project_watch.read()).model.publish_name for _ in range(2)] == ["other", ""]
        await prediction.stop()
        for ended in (watch, project_watch):
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await ended.read()
            assert error_from_call(raised.value, service="prediction").reason == "SERVICE_STOPPING"


async def test_a_slow_watcher_is_told_how_each_model_is_now(registry: Registry) -> None:
    """Whatever happened while it did not read is one item of news for each model, in order of the last change."""
    for name in ("a", "b", "c"):
        publish(registry, name)
    watch = watch_models(registry, "")
    assert [told(await anext(watch)) for _ in range(4)] == ["a=i", "b=i", "c=i", "all"]
    for number in range(1000):
        publish(registry, "b", str(number))
    registry.unpublish(ModelName("p", "a"))
    publish(registry, "d")
    registry.unpublish(ModelName("p", "d"))
    publish(registry, "elsewhere", project_id="q")
    assert [told(await anext(watch)) for _ in range(4)] == ["b=999", "-a", "-d", "elsewhere=i"]
    registry.changes.close()
    with pytest.raises(ServiceStopping):
        await anext(watch)


async def test_heartbeats_come_while_nothing_happens(registry: Registry) -> None:
    """A quiet watch of one project is not woken by others."""
    watch = watch_models(registry, "p", heartbeat_seconds=0.01)
    assert told(await anext(watch)) == "all"
    publish(registry, "elsewhere", project_id="q")
    assert told(await anext(watch)) == "heartbeat"
    publish(registry, "m")
    assert told(await anext(watch)) == "m=i"


async def test_one_that_is_far_behind_is_told_to_begin_again() -> None:
    """Only so many removed names are remembered; who has not been told of one that is forgotten must not think it is
    there."""
    changes = ModelChanges(max_removed=2)
    seen = changes.revision
    for name in ("a", "b"):
        changes.note_removed(ModelName("p", name))
    assert [name.publish_name for name in changes.after(seen, "")] == ["a", "b"]
    later = changes.revision
    changes.note_removed(ModelName("p", "c"))
    with pytest.raises(ModelsWatchBehind):
        changes.after(seen, "")
    assert [name.publish_name for name in changes.after(later, "")] == ["c"]


NAMES = st.builds(ModelName, st.sampled_from(["", "p", "q", "pp"]), st.text("ab\U0010ffff", max_size=2))


@settings(max_examples=50)
@given(st.lists(st.tuples(st.booleans(), NAMES), max_size=40), st.integers(0, 40))
def test_who_applies_what_is_told_knows_what_there_is(steps: list[tuple[bool, ModelName]], first: int) -> None:
    """From any revision on, and in lists of one project or all, changes lead to the models that there are."""

    async def follow() -> None:
        registry, known, revision = Registry(never), set[ModelName](), 0
        for index, (add, name) in enumerate(steps):
            if add:
                registry.publish(PublishedModel(name, "i", "", ""))
            else:
                registry.unpublish(name)
            if index == first:
                known, revision = set(registry.names()), registry.changes.revision
        for name in registry.changes.after(revision, ""):
            (known.add if registry.served(name) else known.discard)(name)
        assert registry.names() == sorted(known)
        for project_id in ("p", "q", "pp"):
            assert registry.names(project_id) == [it for it in sorted(known) if it.project_id == project_id]
        registry.close()

    asyncio.run(follow())
