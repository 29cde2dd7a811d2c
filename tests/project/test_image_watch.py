"""The watch of images: what is there, what comes, and what a deletion leaves of it."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import grpc
import pytest

from customvision.common.database import Connection, Database
from customvision.common.notifier import Notifier
from customvision.common.server import ServiceDefinition
from customvision.common.settings import Settings
from customvision.project.domain.domain import DEFAULT_DOMAIN
from customvision.project.store.migrations import MIGRATIONS
from customvision.project.use_cases.image_arrivals import IMAGES_A_BATCH, ImageArrivals
from customvision.project.wiring import open_project_service
from customvision.v1 import images_pb2, project_service_pb2_grpc, projects_pb2, stored_predictions_pb2
from pictures import photo
from project_calls import MISSING, Stub, add_photos, freeze, make_project, make_trainable, refusal_of

Serve = Callable[[ServiceDefinition], AbstractAsyncContextManager[grpc.aio.Channel]]
TIME = "2026-11-01T12:00:00+00:00"


def watch_images(stub: Stub, after_sequence: int = 0) -> Any:
    """Opens a watch."""
    return stub.WatchImages(images_pb2.WatchImagesRequest(after_sequence=after_sequence))


async def told(watch: Any, count: int) -> list[images_pb2.ImageArrival]:
    """Returns the next so many images, however they are batched."""
    arrivals: list[images_pb2.ImageArrival] = []
    while len(arrivals) < count:
        arrivals.extend((await asyncio.wait_for(watch.read(), 20)).images)
    return arrivals


async def delete(stub: Stub, image: images_pb2.Image) -> None:
    """Takes an image out of the current data set."""
    await stub.DeleteImages(images_pb2.DeleteImagesRequest(project_id=image.project_id, image_ids=[image.image_id]))


async def test_images_of_all_projects_come_in_order(stub: Stub) -> None:
    """A watch tells what is there, oldest first, then each image as it is stored, with the domain of its project."""
    one, other = [(await make_project(stub)).project_id for _ in range(2)]
    images = await add_photos(stub, one, [1, 2]) + await add_photos(stub, other, [1])
    watch = watch_images(stub)
    arrivals = await told(watch, 3)
    assert [(it.project_id, it.image_id, it.content_sha256) for it in arrivals] == [
        (image.project_id, image.image_id, image.content_sha256) for image in images
    ]
    assert {it.domain_id for it in arrivals} == {DEFAULT_DOMAIN.domain_id}
    assert [it.sequence for it in arrivals] == sorted({it.sequence for it in arrivals})
    [new] = await add_photos(stub, one, [4])
    assert [it.image_id for it in await told(watch, 1)] == [new.image_id]
    watch.cancel()


async def test_a_watch_goes_on_where_it_was(stub: Stub) -> None:
    """After a sequence come only later images, also where the image of that sequence, or the newest, was deleted."""
    project_id = (await make_project(stub)).project_id
    first, second, third = await add_photos(stub, project_id, [1, 2, 3])
    watch = watch_images(stub)
    sequences = [it.sequence for it in await told(watch, 3)]
    watch.cancel()
    await delete(stub, second)
    await delete(stub, third)
    [fourth] = await add_photos(stub, project_id, [4])
    for after, expected in [(0, [first, fourth]), (sequences[1], [fourth]), (sequences[2], [fourth])]:
        resumed = watch_images(stub, after)
        assert [it.image_id for it in await told(resumed, len(expected))] == [image.image_id for image in expected]
        resumed.cancel()


async def test_what_is_gone_is_not_told(stub: Stub) -> None:
    """Images that only an iteration holds, and those of a deleted project, are left out."""
    project_id, _ = await make_trainable(stub)
    await freeze(stub, project_id)
    gone = (await make_project(stub)).project_id
    await add_photos(stub, gone, [100])
    listed = await stub.ListImages(images_pb2.ListImagesRequest(project_id=project_id))
    await delete(stub, listed.images[0])
    await stub.DeleteProject(projects_pb2.DeleteProjectRequest(project_id=gone))
    watch = watch_images(stub)
    assert [it.image_id for it in await told(watch, 9)] == [image.image_id for image in listed.images[1:]]
    watch.cancel()


async def test_a_corrected_prediction_is_told(stub: Stub) -> None:
    """An image that is made of a stored prediction reaches an open watch like an uploaded one."""
    project_id = (await make_project(stub)).project_id
    watch = watch_images(stub)
    await stub.RecordPrediction(
        stored_predictions_pb2.RecordPredictionRequest(
            project_id=project_id, prediction_id=MISSING, image_data=photo(1)
        )
    )
    correction = stored_predictions_pb2.PredictionCorrection(prediction_id=MISSING)
    answer = await stub.CreateImagesFromPredictions(
        stored_predictions_pb2.CreateImagesFromPredictionsRequest(project_id=project_id, corrections=[correction])
    )
    assert [it.image_id for it in await told(watch, 1)] == [answer.results[0].image.image_id]
    watch.cancel()


async def test_many_images_come_in_batches(settings: Settings) -> None:
    """More than a thousand images come in several batches, none twice and none left out."""
    database = Database(settings.folder("project") / "project.sqlite", MIGRATIONS)
    count = 2 * IMAGES_A_BATCH + 1
    await database.write(lambda connection: _fill(connection, count))
    watch = ImageArrivals(database, Notifier()).watch(0)
    batches = [await anext(watch) for _ in range(3)]
    await watch.aclose()
    database.close()
    assert [len(batch) for batch in batches] == [IMAGES_A_BATCH, IMAGES_A_BATCH, 1]
    assert [it.sequence for batch in batches for it in batch] == list(range(1, count + 1))


async def test_a_negative_sequence_is_refused(stub: Stub) -> None:
    """The field at fault is named."""
    refusal = await refusal_of(watch_images(stub, -1).read())
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "SEQUENCE_INVALID")
    assert refusal.fields == ["after_sequence"]


async def test_a_quiet_watch_lives_until_the_service_drains(settings: Settings, serve_service: Serve) -> None:
    """An idle watch is told so by empty messages; a stopping service ends it with UNAVAILABLE."""
    async with (
        open_project_service(settings, heartbeat_seconds=0.05) as definition,
        serve_service(definition) as channel,
    ):
        watch = watch_images(project_service_pb2_grpc.ProjectServiceStub(channel))
        assert not any([(await watch.read()).images for _ in range(3)])
        definition.end_streams()
        with pytest.raises(grpc.aio.AioRpcError, match="is stopping") as ended:
            while True:
                await asyncio.wait_for(watch.read(), 5)
        assert ended.value.code() == grpc.StatusCode.UNAVAILABLE


def _fill(connection: Connection, image_count: int) -> None:
    connection.execute(
        "INSERT INTO projects (project_id, name, description, classification_type, create_time, update_time)"
        " VALUES ('p', 'garden', '', 'multiclass', ?, ?)",
        [TIME, TIME],
    )
    for number in range(image_count):
        connection.execute(
            "INSERT INTO images (image_id, project_id, file_name, width, height, content_type, size_bytes,"
            " source_sha256, content_sha256, thumbnail_sha256, create_time)"
            " VALUES (?, 'p', '', 1, 1, 'image/jpeg', 1, ?, '', '', ?)",
            [str(number), str(number), TIME],
        )
