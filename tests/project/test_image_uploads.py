"""Images on their way in: what is stored, what is refused, and how each is told."""

import asyncio
import contextlib
import hashlib
import struct
import threading
import zlib
from collections.abc import AsyncIterator

import grpc
import pytest

from customvision.common.database import Database
from customvision.common.notifier import Notifier
from customvision.common.settings import Settings
from customvision.project.domain.image_upload import ImageUpload
from customvision.project.domain.project import ClassificationType
from customvision.project.store.blobs import BlobStore
from customvision.project.store.migrations import MIGRATIONS
from customvision.project.use_cases import image_intake
from customvision.project.use_cases.image_arrivals import ImageArrivals
from customvision.project.use_cases.image_intake import GROUP_IMAGES, ImageIntake
from customvision.project.use_cases.projects import Projects
from customvision.v1 import images_pb2
from pictures import encoded, photo, picture
from project_calls import (
    MISSING,
    Stub,
    add_images,
    add_photos,
    freeze,
    image_list,
    make_project,
    make_tag,
    make_trainable,
    refusal_of,
    upload,
)


def _bomb() -> bytes:
    """A PNG of 13000 by 13000 one-bit pixels in about 20 KB."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    side = 13_000
    rows = zlib.compress((b"\x00" + bytes((side + 7) // 8)) * side, 9)
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


BAD_FILES = [
    (b"this is not a picture\n" * 50, images_pb2.IMAGE_CREATE_STATUS_ERROR_FORMAT),
    (encoded(picture(1, size=(900, 700)))[:20_000], images_pb2.IMAGE_CREATE_STATUS_ERROR_FORMAT),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", images_pb2.IMAGE_CREATE_STATUS_ERROR_FORMAT),
    (b"", images_pb2.IMAGE_CREATE_STATUS_ERROR_SIZE),
    (photo(1) + bytes(7 * 1024 * 1024), images_pb2.IMAGE_CREATE_STATUS_ERROR_SIZE),
    (_bomb(), images_pb2.IMAGE_CREATE_STATUS_ERROR_DIMENSIONS),
]


async def test_an_image_is_answered_with_what_is_stored(stub: Stub) -> None:
    """The record names both digests, the upright size, the file name and the tags."""
    project_id = (await make_project(stub)).project_id
    tag_id = await make_tag(stub, project_id, "rose")
    source = photo(1)
    [result] = await add_images(stub, project_id, [source], [tag_id])
    image = result.image
    assert (result.status, result.index, result.image_id) == (images_pb2.IMAGE_CREATE_STATUS_OK, 0, image.image_id)
    assert image.source_sha256 == hashlib.sha256(source).hexdigest()
    assert (image.width, image.height, image.content_type, image.file_name) == (96, 72, "image/jpeg", "0.jpg")
    assert list(image.tag_ids) == [tag_id]
    request = images_pb2.GetImageRequest(project_id=project_id, image_id=image.image_id)
    assert await stub.GetImage(request) == image


@pytest.mark.parametrize("stream", [False, True])
async def test_bad_files_are_refused_one_by_one(stub: Stub, stream: bool) -> None:
    """Each bad file has a status and a sentence of its own, and the good ones beside it are stored."""
    project_id = (await make_project(stub)).project_id
    files = [photo(1), *(data for data, _ in BAD_FILES), photo(2)]
    results = (
        list((await upload(stub, project_id, files)).results) if stream else await add_images(stub, project_id, files)
    )
    ok = images_pb2.IMAGE_CREATE_STATUS_OK
    assert [result.status for result in results] == [ok, *(status for _, status in BAD_FILES), ok]
    assert [result.index for result in results] == list(range(len(files)))
    assert all(result.message.endswith(".") and not result.image_id for result in results[1:-1])
    assert len(await image_list(stub, project_id)) == 2


async def test_the_same_bytes_are_recognised(stub: Stub) -> None:
    """A duplicate is the image that is there; it gets the new tags, also within one batch."""
    project_id = (await make_project(stub, multilabel=True)).project_id
    rose, red = [await make_tag(stub, project_id, name) for name in ("rose", "red")]
    first, second = await add_images(stub, project_id, [photo(1), photo(1)], [rose])
    assert (first.status, second.status) == (
        images_pb2.IMAGE_CREATE_STATUS_OK,
        images_pb2.IMAGE_CREATE_STATUS_OK_DUPLICATE,
    )
    [again] = await add_images(stub, project_id, [photo(1)], [red])
    assert again.image_id == second.image_id == first.image_id
    assert list(again.image.tag_ids) == [rose, red]
    assert len(await image_list(stub, project_id)) == 1


async def test_two_projects_hold_the_same_photo_apart(stub: Stub) -> None:
    """Duplicates are recognised within a project, not across projects."""
    one, other = [(await make_project(stub)).project_id for _ in range(2)]
    [first], [second] = [await add_images(stub, project_id, [photo(1)]) for project_id in (one, other)]
    assert second.status == images_pb2.IMAGE_CREATE_STATUS_OK
    assert first.image_id != second.image_id
    await stub.DeleteImages(images_pb2.DeleteImagesRequest(project_id=one, image_ids=[first.image_id]))
    assert len(await image_list(stub, other)) == 1


async def test_tag_rules_refuse_single_images(stub: Stub) -> None:
    """A second tag in a multiclass project, an unknown tag, and the negative beside a regular one."""
    project_id = (await make_project(stub)).project_id
    rose, tulip = [await make_tag(stub, project_id, name) for name in ("rose", "tulip")]
    await add_photos(stub, project_id, [1], [rose])
    [limit] = await add_images(stub, project_id, [photo(1)], [tulip])
    assert limit.status == images_pb2.IMAGE_CREATE_STATUS_ERROR_TAG_LIMIT
    assert "'rose'" in limit.message
    [both] = await add_images(stub, project_id, [photo(2)], [rose, tulip])
    assert both.status == images_pb2.IMAGE_CREATE_STATUS_ERROR_TAG_LIMIT
    [unknown] = await add_images(stub, project_id, [photo(3)], [MISSING])
    assert unknown.status == images_pb2.IMAGE_CREATE_STATUS_ERROR_INVALID_TAG
    assert len(await image_list(stub, project_id)) == 1
    labels = (await make_project(stub, multilabel=True)).project_id
    negative = await make_tag(stub, labels, "nothing", negative=True)
    regular = await make_tag(stub, labels, "rose")
    [beside] = await add_images(stub, labels, [photo(1)], [negative, regular])
    assert beside.status == images_pb2.IMAGE_CREATE_STATUS_ERROR_NEGATIVE_AND_REGULAR_TAG


async def test_a_duplicate_with_the_tag_it_has_is_no_second_tag(stub: Stub) -> None:
    """Uploading a folder again into a multiclass project is a duplicate, not an error."""
    project_id = (await make_project(stub)).project_id
    rose = await make_tag(stub, project_id, "rose")
    await add_photos(stub, project_id, [1], [rose])
    [again] = await add_images(stub, project_id, [photo(1)], [rose])
    assert again.status == images_pb2.IMAGE_CREATE_STATUS_OK_DUPLICATE


async def test_64_images_are_a_batch_and_65_are_too_many(stub: Stub) -> None:
    """The limit of a batch holds exactly; too many store nothing."""
    project_id = (await make_project(stub)).project_id
    refusal = await refusal_of(add_images(stub, project_id, [photo(seed) for seed in range(65)]))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "TOO_MANY_ITEMS")
    assert not await image_list(stub, project_id)
    assert len(await add_photos(stub, project_id, range(64))) == 64


async def test_batches_that_are_not_well_formed_change_nothing(stub: Stub) -> None:
    """No image, a file name too long, too many tags: INVALID_ARGUMENT with the field."""
    project_id = (await make_project(stub)).project_id
    long_name = images_pb2.ImageUpload(image_data=photo(1), file_name="x" * 256)
    many_tags = images_pb2.ImageUpload(image_data=photo(1), tag_ids=[MISSING] * 21)
    for images, field in (([], "images"), ([long_name], "images[0].file_name"), ([many_tags], "images[0].tag_ids")):
        request = images_pb2.CreateImagesRequest(project_id=project_id, images=images)
        refusal = await refusal_of(stub.CreateImages(request))
        assert (refusal.code, refusal.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])
    assert not await image_list(stub, project_id)


async def test_a_stream_sums_up_and_keeps_its_order(stub: Stub) -> None:
    """Counts, indexes and the order of a stream over several groups are those of what was sent."""
    project_id = (await make_project(stub)).project_id
    tag_id = await make_tag(stub, project_id, "rose")
    files = [photo(seed) for seed in range(70)] + [b"text", photo(3)]
    summary = await upload(stub, project_id, files, [tag_id])
    assert (summary.created_count, summary.duplicate_count, summary.failed_count) == (70, 1, 1)
    assert [result.index for result in summary.results] == list(range(72))
    images = await image_list(stub, project_id)
    assert [image.file_name for image in images] == [f"{number}.jpg" for number in range(70)]
    assert all(list(image.tag_ids) == [tag_id] for image in images)
    again = await upload(stub, project_id, files[:70])
    assert (again.created_count, again.duplicate_count) == (0, 70)


async def test_a_stream_opens_with_its_header(stub: Stub) -> None:
    """An empty stream, an image first, a second header, an unknown project: refused by name."""
    project_id = (await make_project(stub)).project_id
    header = images_pb2.UploadImagesRequest(header=images_pb2.UploadImagesHeader(project_id=project_id))
    image = images_pb2.UploadImagesRequest(image=images_pb2.ImageUpload(image_data=photo(1)))
    stray = images_pb2.UploadImagesRequest(header=images_pb2.UploadImagesHeader(project_id=MISSING))
    cases = {
        "STREAM_HEADER_MISSING": ([], [image]),
        "STREAM_MESSAGE_UNEXPECTED": ([header, header], [header, images_pb2.UploadImagesRequest()]),
        "PROJECT_NOT_FOUND": ([stray, image],),
    }
    for reason, streams in cases.items():
        for messages in streams:
            assert (await refusal_of(stub.UploadImages(iter(messages)))).reason == reason


async def test_a_broken_stream_keeps_whole_groups_and_can_be_repeated(stub: Stub) -> None:
    """What was stored before the stream broke, or was being stored, stays; sending it again makes no doubles."""
    project_id = (await make_project(stub)).project_id
    sent = asyncio.Event()

    async def messages() -> AsyncIterator[images_pb2.UploadImagesRequest]:
        yield images_pb2.UploadImagesRequest(header=images_pb2.UploadImagesHeader(project_id=project_id))
        for seed in range(40):
            yield images_pb2.UploadImagesRequest(image=images_pb2.ImageUpload(image_data=photo(seed)))
        sent.set()
        await asyncio.Event().wait()

    call = stub.UploadImages(messages())
    await sent.wait()
    while not await image_list(stub, project_id):
        await asyncio.sleep(0.01)
    call.cancel()
    kept = len(await image_list(stub, project_id))
    assert kept
    summary = await upload(stub, project_id, [photo(seed) for seed in range(40)])
    assert summary.duplicate_count >= kept
    assert summary.created_count + summary.duplicate_count == len(await image_list(stub, project_id)) == 40


async def test_what_has_come_is_stored_while_the_next_image_is_late(stub: Stub) -> None:
    """A stream that pauses holds nothing back: its images are there before it goes on, and after it ends all are."""
    project_id = (await make_project(stub)).project_id
    go_on = asyncio.Event()

    async def messages() -> AsyncIterator[images_pb2.UploadImagesRequest]:
        yield images_pb2.UploadImagesRequest(header=images_pb2.UploadImagesHeader(project_id=project_id))
        yield images_pb2.UploadImagesRequest(image=images_pb2.ImageUpload(image_data=photo(1)))
        await go_on.wait()
        yield images_pb2.UploadImagesRequest(image=images_pb2.ImageUpload(image_data=photo(2)))

    call = stub.UploadImages(messages())
    async with asyncio.timeout(30):
        while not await image_list(stub, project_id):
            await asyncio.sleep(0.01)
    go_on.set()
    assert (await call).created_count == 2


async def test_images_of_all_streams_share_one_room(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for less than one image, streams side by side still store everything: none holds back what it has."""
    monkeypatch.setattr(image_intake, "STREAMED_BYTES", 1)

    async def uploads(first: int) -> AsyncIterator[ImageUpload]:
        for seed in range(first, first + 5):
            yield ImageUpload(photo(seed), (), "")

    async with _intake(settings) as (database, intake), asyncio.timeout(60):
        project = await Projects(database).create(
            name="garden", description="", classification_type=ClassificationType.MULTICLASS, request_id=""
        )
        streams = (intake.add_stream(project.project_id, (), uploads(first)) for first in (0, 5, 10))
        assert [summary.created_count for summary in await asyncio.gather(*streams)] == [5, 5, 5]


async def test_a_cancelled_stream_finishes_the_group_that_is_being_stored(settings: Settings) -> None:
    """Whoever goes away while a group is on its way to the disk finds it stored."""
    async with _intake(settings) as (database, intake):
        project = await Projects(database).create(
            name="garden", description="", classification_type=ClassificationType.MULTICLASS, request_id=""
        )
        go_on, waiting = threading.Event(), asyncio.Event()

        async def uploads() -> AsyncIterator[ImageUpload]:
            for seed in range(GROUP_IMAGES):
                yield ImageUpload(photo(seed), (), "")
            for seed in range(GROUP_IMAGES):
                if seed == GROUP_IMAGES - 1:
                    waiting.set()
                yield ImageUpload(photo(GROUP_IMAGES + seed), (), "")

        holding = asyncio.create_task(database.write(lambda _: go_on.wait(10)))
        adding = asyncio.create_task(intake.add_stream(project.project_id, [], uploads()))
        await waiting.wait()
        adding.cancel()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await adding
        await holding
        assert (await Projects(database).get(project.project_id)).image_count == GROUP_IMAGES


@contextlib.asynccontextmanager
async def _intake(settings: Settings) -> AsyncIterator[tuple[Database, ImageIntake]]:
    folder = settings.folder("project")
    database, blobs = Database(folder / "project.sqlite", MIGRATIONS), BlobStore(folder / "blobs")
    intake = ImageIntake(database, blobs, ImageArrivals(database, Notifier()))
    try:
        yield database, intake
    finally:
        intake.close()
        blobs.close()
        database.close()


async def test_an_image_that_only_an_iteration_holds_becomes_current_again(stub: Stub) -> None:
    """Deleted from the current set and uploaded again, it is the same image, with the tags given now."""
    project_id, (dahlia, rose) = await make_trainable(stub)
    await freeze(stub, project_id)
    [image] = (await image_list(stub, project_id))[:1]
    await stub.DeleteImages(images_pb2.DeleteImagesRequest(project_id=project_id, image_ids=[image.image_id]))
    assert len(await image_list(stub, project_id)) == 9
    [again] = await add_images(stub, project_id, [photo(0)], [rose])
    assert (again.status, again.image_id) == (images_pb2.IMAGE_CREATE_STATUS_OK, image.image_id)
    assert list(again.image.tag_ids) == [rose] != [dahlia]
    assert len(await image_list(stub, project_id)) == 10


async def test_files_are_found_by_their_digest(stub: Stub) -> None:
    """FindImages tells the images of the files a project holds, and nothing of others."""
    project_id = (await make_project(stub)).project_id
    images = await add_photos(stub, project_id, range(3))
    digests = [image.source_sha256 for image in images[:2]] + ["0" * 64]
    found = await stub.FindImages(images_pb2.FindImagesRequest(project_id=project_id, source_sha256s=digests))
    assert {image.image_id for image in found.images} == {image.image_id for image in images[:2]}
    upper = images_pb2.FindImagesRequest(project_id=project_id, source_sha256s=[digests[0].upper()])
    assert len((await stub.FindImages(upper)).images) == 1
    bad = images_pb2.FindImagesRequest(project_id=project_id, source_sha256s=["xyz"])
    assert (await refusal_of(stub.FindImages(bad))).fields == ["source_sha256s[0]"]
