"""Images that the service fetches itself."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator

import pytest

from customvision.common.settings import Settings
from customvision.common.url_fetching.addresses import AllowedHosts
from customvision.common.url_fetching.fetcher import FETCHES_OF_A_PROJECT
from customvision.project.wiring import open_project_service
from customvision.v1 import images_pb2, project_service_pb2_grpc
from pictures import photo
from project.conftest import ServeService
from project_calls import MISSING, Stub, image_list, make_project, make_tag, refusal_of
from web_server import WebServer, web_server

PATIENCE_SECONDS = 20.0


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings that allow this machine's own web servers."""
    return dataclasses.replace(settings, url_allowed_hosts=AllowedHosts.parse("127.0.0.1"))


@pytest.fixture
async def web() -> AsyncIterator[WebServer]:
    """A web server on the loopback address."""
    async with web_server() as server:
        yield server


async def create(
    stub: Stub, project_id: str, urls: list[str], tag_ids: tuple[str, ...] = ()
) -> list[images_pb2.ImageCreateResult]:
    """Has the service fetch images, all with ``tag_ids``."""
    images = [images_pb2.ImageUrl(url=url) for url in urls]
    request = images_pb2.CreateImagesFromUrlsRequest(project_id=project_id, images=images, tag_ids=tag_ids)
    return list((await stub.CreateImagesFromUrls(request, timeout=PATIENCE_SECONDS)).results)


async def test_images_are_fetched_and_added_like_uploads(stub: Stub, web: WebServer) -> None:
    """Each gets the tags of the batch and its own, is called by the end of its URL, and is recognised again."""
    project_id = (await make_project(stub, multilabel=True)).project_id
    rose, red = [await make_tag(stub, project_id, name) for name in ("rose", "red")]
    web.give("/a/red%20rose.jpg?sig=1", photo(1))
    images = [images_pb2.ImageUrl(url=web.url("/a/red%20rose.jpg?sig=1"), tag_ids=[red])]
    request = images_pb2.CreateImagesFromUrlsRequest(project_id=project_id, images=images, tag_ids=[rose])
    [result] = (await stub.CreateImagesFromUrls(request)).results
    assert (result.index, result.status, result.file_name) == (0, images_pb2.IMAGE_CREATE_STATUS_OK, "red rose.jpg")
    assert list(result.image.tag_ids) == [rose, red]
    assert await image_list(stub, project_id) == [result.image]
    [again] = await create(stub, project_id, [web.url("/a/red%20rose.jpg?sig=1")])
    assert (again.status, again.image_id) == (images_pb2.IMAGE_CREATE_STATUS_OK_DUPLICATE, result.image_id)


async def test_metadata_is_kept_with_what_was_fetched(stub: Stub, web: WebServer) -> None:
    """An image has the pairs of the batch and its own, which go first; too many refuse that image alone."""
    project_id = (await make_project(stub)).project_id
    web.give("/1.jpg", photo(1))
    web.give("/2.jpg", photo(2))
    too_many = {f"key {number}": "value" for number in range(11)}
    images = [
        images_pb2.ImageUrl(url=web.url("/1.jpg"), metadata={"place": "garden"}),
        images_pb2.ImageUrl(url=web.url("/2.jpg"), metadata=too_many),
    ]
    request = images_pb2.CreateImagesFromUrlsRequest(
        project_id=project_id, images=images, metadata={"place": "field", "by": "me"}
    )
    kept, refused = (await stub.CreateImagesFromUrls(request)).results
    assert dict(kept.image.metadata) == {"place": "garden", "by": "me"}
    assert refused.status == images_pb2.IMAGE_CREATE_STATUS_ERROR_METADATA


async def test_each_url_has_its_own_result_in_order(stub: Stub, web: WebServer) -> None:
    """What cannot be fetched, is too large or is no image is told with its place; the others are stored."""
    project_id = (await make_project(stub)).project_id
    web.give("/1.jpg", photo(1))
    web.give("/2.jpg", photo(2))
    web.answers["/large.jpg"] = b"HTTP/1.1 200 OK\r\nContent-Length: 6291457\r\n\r\n"
    web.give("/page.html", b"<html>no picture</html>")
    web.give("/empty.jpg", b"")
    paths = ["/missing.jpg", "/1.jpg", "/large.jpg", "/page.html", "/empty.jpg", "/2.jpg"]
    urls = [web.url(path) for path in paths]
    urls[3:3] = ["http://169.254.169.254/key.jpg", "ftp://example.com/a.jpg", "not a url", ""]
    results = await create(stub, project_id, urls)
    names = images_pb2.ImageCreateStatus.Name
    assert [names(result.status).removeprefix("IMAGE_CREATE_STATUS_") for result in results] == [
        "ERROR_SOURCE", "OK", "ERROR_SIZE", "ERROR_SOURCE", "ERROR_SOURCE", "ERROR_SOURCE", "ERROR_SOURCE",
        "ERROR_FORMAT", "ERROR_SIZE", "OK",
    ]  # fmt: skip
    assert [result.index for result in results] == list(range(10))
    assert [result.file_name for result in results] == [
        "missing.jpg", "1.jpg", "large.jpg", "key.jpg", "a.jpg", "not a url", "", "page.html", "empty.jpg", "2.jpg",
    ]  # fmt: skip
    assert "HTTP status 404" in results[0].message
    assert "'169.254.169.254' is not fetched from" in results[3].message
    assert "http:// or https://" in results[4].message
    assert [image.image_id for image in await image_list(stub, project_id)] == [
        results[1].image_id,
        results[9].image_id,
    ]


async def test_a_full_batch_is_fetched_a_few_at_once(stub: Stub, web: WebServer) -> None:
    """64 URLs are all added in order, with no more than eight fetched at a time."""
    running, most = 0, 0
    photos = {f"/{number}.jpg": photo(number) for number in range(64)}

    async def answer(path: str, writer: asyncio.StreamWriter) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(photos[path])}\r\n\r\n"
        writer.write(head.encode() + photos[path])
        await writer.drain()
        running -= 1

    for path in photos:
        web.answers[path] = lambda writer, path=path: answer(path, writer)  # type: ignore[misc]
    project_id = (await make_project(stub)).project_id
    results = await create(stub, project_id, [web.url(path) for path in photos])
    assert all(result.status == images_pb2.IMAGE_CREATE_STATUS_OK for result in results)
    assert [f"/{result.file_name}" for result in results] == list(photos)
    assert 1 <= most <= FETCHES_OF_A_PROJECT


async def test_a_batch_that_is_not_well_formed_fetches_nothing(stub: Stub, web: WebServer) -> None:
    """No image, too many images or tags, or no such project: refused before anything is fetched."""
    project_id = (await make_project(stub)).project_id
    many_tags = images_pb2.ImageUrl(url=web.url(), tag_ids=[MISSING] * 21)
    requests = [
        images_pb2.CreateImagesFromUrlsRequest(project_id=project_id),
        images_pb2.CreateImagesFromUrlsRequest(project_id=project_id, images=[images_pb2.ImageUrl(url=web.url())] * 65),
        images_pb2.CreateImagesFromUrlsRequest(project_id=project_id, images=[many_tags]),
        images_pb2.CreateImagesFromUrlsRequest(
            project_id=project_id, images=[images_pb2.ImageUrl(url=web.url())], tag_ids=[MISSING] * 21
        ),
        images_pb2.CreateImagesFromUrlsRequest(project_id=MISSING, images=[images_pb2.ImageUrl(url=web.url())]),
    ]
    refusals = [await refusal_of(stub.CreateImagesFromUrls(request)) for request in requests]
    assert [(refusal.reason, refusal.fields) for refusal in refusals] == [
        ("NOTHING_GIVEN", ["images"]),
        ("TOO_MANY_ITEMS", ["images"]),
        ("TOO_MANY_ITEMS", ["images[0].tag_ids"]),
        ("TOO_MANY_ITEMS", ["tag_ids"]),
        ("PROJECT_NOT_FOUND", []),
    ]
    assert web.connections == 0


async def test_a_caller_that_goes_ends_the_fetching(stub: Stub, web: WebServer) -> None:
    """A call that is cancelled leaves its connections; the service goes on."""
    asked, left = asyncio.Event(), asyncio.Event()

    async def hang(writer: asyncio.StreamWriter) -> None:
        asked.set()
        try:
            while not writer.is_closing():
                writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
                await writer.drain()
                await asyncio.sleep(0.01)
        finally:
            left.set()

    web.answers["/photo.jpg"] = hang
    web.give("/1.jpg", photo(1))
    project_id = (await make_project(stub)).project_id
    call = asyncio.ensure_future(create(stub, project_id, [web.url()] * 3))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asked.wait()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await left.wait()
    assert len(await create(stub, project_id, [web.url("/1.jpg")])) == 1


async def test_this_machine_is_refused_unless_allowed(
    settings: Settings, serve_service: ServeService, web: WebServer
) -> None:
    """Without the setting a service connects to nothing on its own machine."""
    web.give("/photo.jpg", photo(1))
    as_shipped = dataclasses.replace(settings, url_allowed_hosts=AllowedHosts())
    async with open_project_service(as_shipped) as definition, serve_service(definition) as channel:
        stub: Stub = project_service_pb2_grpc.ProjectServiceStub(channel)
        project_id = (await make_project(stub)).project_id
        [result] = await create(stub, project_id, [web.url()])
    assert (result.status, web.connections) == (images_pb2.IMAGE_CREATE_STATUS_ERROR_SOURCE, 0)
