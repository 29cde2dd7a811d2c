"""Publishing, and the watch of what is published."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import grpc
import pytest

from customvision.common.server import ServiceDefinition
from customvision.common.settings import Settings
from customvision.project.wiring import open_project_service
from customvision.v1 import iterations_pb2, project_service_pb2_grpc, projects_pb2
from project_calls import Stub, complete, freeze, make_trainable, refusal_of

Serve = Callable[[ServiceDefinition], AbstractAsyncContextManager[grpc.aio.Channel]]


@pytest.fixture
async def two(stub: Stub) -> AsyncIterator[list[iterations_pb2.Iteration]]:
    """Two completed iterations of one project."""
    project_id, _ = await make_trainable(stub)
    yield [await complete(stub, await freeze(stub, project_id, force=True)) for _ in range(2)]


async def publish(
    stub: Stub, iteration: iterations_pb2.Iteration, name: str, *, overwrite: bool = False, publish_target: str = ""
) -> iterations_pb2.Iteration:
    """Publishes an iteration."""
    return await stub.PublishIteration(
        iterations_pb2.PublishIterationRequest(
            project_id=iteration.project_id,
            iteration_id=iteration.iteration_id,
            publish_name=name,
            overwrite=overwrite,
            publish_target=publish_target,
        )
    )


async def unpublish(stub: Stub, iteration: iterations_pb2.Iteration) -> iterations_pb2.Iteration:
    """Unpublishes an iteration."""
    return await stub.UnpublishIteration(
        iterations_pb2.UnpublishIterationRequest(project_id=iteration.project_id, iteration_id=iteration.iteration_id)
    )


async def told(watch: Any) -> tuple[str, str, str]:
    """Returns the next event that is no heartbeat: its kind, its publish name and its iteration."""
    while True:
        event = await watch.read()
        kind = str(event.WhichOneof("event"))
        if kind != "heartbeat":
            detail = getattr(event, kind)
            return kind, getattr(detail, "publish_name", ""), getattr(detail, "iteration_id", "")


async def test_a_name_has_one_iteration(stub: Stub, two: list[iterations_pb2.Iteration]) -> None:
    """A taken name is refused unless overwritten; then the other is unpublished in the same step."""
    first, second = two
    assert (await publish(stub, first, "🌷 live")).publish_name == "🌷 live"
    assert (await publish(stub, first, "🌷 live")).publish_name == "🌷 live"
    refusal = await refusal_of(publish(stub, second, "🌷 live"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "PUBLISH_NAME_TAKEN")
    assert refusal.metadata["iteration_id"] == first.iteration_id
    assert (await publish(stub, second, "🌷 live", overwrite=True)).publish_name == "🌷 live"
    read = iterations_pb2.GetIterationRequest(project_id=first.project_id, iteration_id=first.iteration_id)
    assert (await stub.GetIteration(read)).publish_name == ""


async def test_what_comes_with_a_publication_goes_with_it(stub: Stub, two: list[iterations_pb2.Iteration]) -> None:
    """The target is answered until the iteration is unpublished or loses its name; the repeat with another replaces it;
    each change, and nothing else, moves update_time."""
    first, second = two
    target = "/subscriptions/x/accounts/flowers"
    published = await publish(stub, first, "live", publish_target=target)
    assert published.publish_target == target
    assert published.update_time.ToNanoseconds() > first.update_time.ToNanoseconds()
    assert await publish(stub, first, "live", publish_target=target) == published
    moved = await publish(stub, first, "live", publish_target="elsewhere")
    assert (moved.publish_target, moved.publish_name) == ("elsewhere", "live")
    refusal = await refusal_of(publish(stub, first, "live", publish_target="x" * 1025))
    assert (refusal.reason, refusal.fields) == ("TEXT_TOO_LONG", ["publish_target"])
    await publish(stub, second, "live", overwrite=True, publish_target=target)
    read = iterations_pb2.GetIterationRequest(project_id=first.project_id, iteration_id=first.iteration_id)
    assert (await stub.GetIteration(read)).publish_target == ""
    assert (await unpublish(stub, second)).publish_target == ""


async def test_only_completed_iterations_are_published(stub: Stub, two: list[iterations_pb2.Iteration]) -> None:
    """One in training, a bad name, an unpublished one to unpublish: refused with reason."""
    training = await freeze(stub, two[0].project_id, force=True)
    refusal = await refusal_of(publish(stub, training, "live"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ITERATION_NOT_COMPLETED")
    assert (await refusal_of(publish(stub, two[0], ""))).fields == ["publish_name"]
    assert (await refusal_of(unpublish(stub, two[0]))).reason == "ITERATION_NOT_PUBLISHED"


async def test_what_is_published_is_not_deleted(stub: Stub, two: list[iterations_pb2.Iteration]) -> None:
    """Neither the iteration nor its project, until it is unpublished."""
    await publish(stub, two[0], "live")
    ids = {"project_id": two[0].project_id, "iteration_id": two[0].iteration_id}
    deletion = iterations_pb2.DeleteIterationRequest(**ids)
    assert (await refusal_of(stub.DeleteIteration(deletion))).reason == "ITERATION_IN_USE"
    whole = projects_pb2.DeleteProjectRequest(project_id=two[0].project_id)
    assert (await refusal_of(stub.DeleteProject(whole))).reason == "PROJECT_IN_USE"
    await unpublish(stub, two[0])
    await stub.DeleteIteration(deletion)
    await stub.DeleteProject(whole)


async def test_a_watch_tells_what_is_there_and_every_change(stub: Stub, two: list[iterations_pb2.Iteration]) -> None:
    """Snapshot, synchronized, then publish, overwrite, rename and unpublish as they happen."""
    first, second = two
    await publish(stub, first, "live")
    watch: Any = stub.WatchPublishedModels(iterations_pb2.WatchPublishedModelsRequest())
    event = await watch.read()
    assert event.published.iteration_id == first.iteration_id
    assert event.published.artifacts == first.artifacts
    assert await told(watch) == ("synchronized", "", "")
    await publish(stub, second, "live", overwrite=True)
    assert await told(watch) == ("published", "live", second.iteration_id)
    await publish(stub, second, "next")
    assert await told(watch) == ("published", "next", second.iteration_id)
    assert await told(watch) == ("unpublished", "live", "")
    await unpublish(stub, second)
    assert await told(watch) == ("unpublished", "next", "")
    watch.cancel()


async def test_many_watchers_hear_of_a_change(stub: Stub, two: list[iterations_pb2.Iteration]) -> None:
    """Fifty open watches are all told, and other calls go on meanwhile."""
    watches = [stub.WatchPublishedModels(iterations_pb2.WatchPublishedModelsRequest()) for _ in range(50)]
    assert {(await told(watch))[0] for watch in watches} == {"synchronized"}
    await publish(stub, two[0], "live")
    assert {await told(watch) for watch in watches} == {("published", "live", two[0].iteration_id)}
    for watch in watches:
        watch.cancel()


async def test_a_quiet_watch_has_a_heartbeat_and_ends_when_the_service_drains(
    settings: Settings, serve_service: Serve
) -> None:
    """A silent watch shows that it lives; a stopping service ends it with UNAVAILABLE rather than waiting for it."""
    async with (
        open_project_service(settings, heartbeat_seconds=0.05) as definition,
        serve_service(definition) as channel,
    ):
        stub = project_service_pb2_grpc.ProjectServiceStub(channel)
        watch: Any = stub.WatchPublishedModels(iterations_pb2.WatchPublishedModelsRequest())
        events = [await watch.read() for _ in range(3)]
        assert [event.WhichOneof("event") for event in events] == ["synchronized", "heartbeat", "heartbeat"]
        definition.end_streams()
        with pytest.raises(grpc.aio.AioRpcError, match="is stopping") as ended:
            while True:
                await asyncio.wait_for(watch.read(), 5)
        assert ended.value.code() == grpc.StatusCode.UNAVAILABLE
