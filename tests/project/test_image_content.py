"""The bytes of images: whole, as thumbnails, and many at once."""

import hashlib
import io

import grpc
import pytest
from PIL import Image

from customvision.common.settings import Settings
from customvision.v1 import images_pb2
from pictures import encoded, photo, picture
from project_calls import (
    MISSING,
    Stub,
    add_images,
    add_photos,
    all_of,
    content_of,
    make_project,
    refusal_of,
)


async def test_content_and_thumbnail_are_what_the_record_says(stub: Stub) -> None:
    """The bytes match their digest, and the thumbnail is a small JPEG."""
    project_id = (await make_project(stub)).project_id
    [result] = await add_images(stub, project_id, [encoded(picture(1, size=(800, 600)), "PNG")])
    data = await content_of(stub, result.image)
    assert hashlib.sha256(data).hexdigest() == result.image.content_sha256
    assert (len(data), result.image.content_type) == (result.image.size_bytes, "image/png")
    thumbnail = await content_of(stub, result.image, images_pb2.IMAGE_VARIANT_THUMBNAIL)
    with Image.open(io.BytesIO(thumbnail)) as small:
        assert (small.format, small.size) == ("JPEG", (256, 192))


async def test_large_images_come_in_pieces(stub: Stub) -> None:
    """No message holds more than 1 MiB, and the pieces make the whole."""
    project_id = (await make_project(stub)).project_id
    [result] = await add_images(stub, project_id, [encoded(picture(1, size=(1100, 900)), "PNG")])
    assert result.image.size_bytes > 2**20
    request = images_pb2.GetImageContentRequest(project_id=project_id, image_id=result.image_id)
    chunks = await all_of(stub.GetImageContent(request))
    assert max(len(chunk.data) for chunk in chunks) <= 2**20 < sum(len(chunk.data) for chunk in chunks)
    assert hashlib.sha256(await content_of(stub, result.image)).hexdigest() == result.image.content_sha256


async def test_a_download_keeps_the_order_asked_for(stub: Stub, settings: Settings) -> None:
    """Deleted, unknown and lost images are told as missing in their place, and the rest comes."""
    project_id = (await make_project(stub)).project_id
    images = await add_photos(stub, project_id, range(12))
    deleted, lost, damaged = images[2], images[5], images[7]
    await stub.DeleteImages(images_pb2.DeleteImagesRequest(project_id=project_id, image_ids=[deleted.image_id]))
    blobs = settings.home / "project" / "blobs"
    (blobs / lost.content_sha256[:2] / lost.content_sha256[2:]).unlink()
    (blobs / damaged.content_sha256[:2] / damaged.content_sha256[2:]).write_bytes(b"bit rot")
    asked = [image.image_id for image in reversed(images)] + [MISSING, "nonsense"]
    chunks = await all_of(stub.DownloadImages(images_pb2.DownloadImagesRequest(project_id=project_id, image_ids=asked)))
    assert [chunk.image_id for chunk in chunks] == asked
    gone = {deleted.image_id, lost.image_id, damaged.image_id, MISSING, "nonsense"}
    assert {chunk.image_id for chunk in chunks if chunk.missing} == gone
    assert all(chunk.last for chunk in chunks)
    digests = {image.image_id: image.content_sha256 for image in images}
    for chunk in chunks:
        if not chunk.missing:
            assert hashlib.sha256(chunk.data).hexdigest() == digests[chunk.image_id]


async def test_a_lost_file_is_named_and_comes_back_with_the_upload(stub: Stub, settings: Settings) -> None:
    """Reading it says what to do; uploading the same photo again mends it."""
    project_id = (await make_project(stub)).project_id
    [image] = await add_photos(stub, project_id, [1])
    (settings.home / "project" / "blobs" / image.content_sha256[:2] / image.content_sha256[2:]).unlink()
    request = images_pb2.GetImageContentRequest(project_id=project_id, image_id=image.image_id)
    refusal = await refusal_of(all_of(stub.GetImageContent(request)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "IMAGE_FILE_LOST")
    await add_images(stub, project_id, [photo(1)])
    assert hashlib.sha256(await content_of(stub, image)).hexdigest() == image.content_sha256


async def _digests_found(stub: Stub, image: images_pb2.Image) -> list[str]:
    request = images_pb2.FindImagesRequest(project_id=image.project_id, source_sha256s=[image.source_sha256])
    return [found.image_id for found in (await stub.FindImages(request)).images]


@pytest.mark.parametrize("variant", [images_pb2.IMAGE_VARIANT_FULL, images_pb2.IMAGE_VARIANT_THUMBNAIL])
async def test_a_damaged_file_is_found_no_more_once_it_was_read(
    stub: Stub, settings: Settings, variant: images_pb2.ImageVariant.ValueType
) -> None:
    """A client that asks which photos are there sends it again, and that mends it: image or thumbnail."""
    project_id = (await make_project(stub)).project_id
    [image] = await add_photos(stub, project_id, [1])
    whole = await content_of(stub, image, variant)
    digest = hashlib.sha256(whole).hexdigest()
    path = settings.home / "project" / "blobs" / digest[:2] / digest[2:]
    path.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    assert await _digests_found(stub, image) == [image.image_id]
    assert (await refusal_of(content_of(stub, image, variant))).reason == "IMAGE_FILE_LOST"
    assert await _digests_found(stub, image) == []
    await add_images(stub, project_id, [photo(1)])
    assert await _digests_found(stub, image) == [image.image_id]
    assert await content_of(stub, image, variant) == whole


async def test_an_upload_mends_damage_that_nobody_has_met(stub: Stub, settings: Settings) -> None:
    """A file with one flipped byte has the right size; a duplicate upload writes it again all the same."""
    project_id = (await make_project(stub)).project_id
    [image] = await add_photos(stub, project_id, [1])
    whole = await content_of(stub, image)
    path = settings.home / "project" / "blobs" / image.content_sha256[:2] / image.content_sha256[2:]
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    [again] = await add_images(stub, project_id, [photo(1)])
    assert again.status == images_pb2.IMAGE_CREATE_STATUS_OK_DUPLICATE
    assert await content_of(stub, image) == whole


async def test_content_of_unknown_images_is_not_found(stub: Stub) -> None:
    """Also a project of its own does not open another project's image."""
    one, other = [(await make_project(stub)).project_id for _ in range(2)]
    [image] = await add_photos(stub, one, [1])
    for project_id, image_id, reason in (
        (other, image.image_id, "IMAGE_NOT_FOUND"),
        (one, "../keys.json", "IMAGE_NOT_FOUND"),
        (MISSING, image.image_id, "PROJECT_NOT_FOUND"),
    ):
        request = images_pb2.GetImageContentRequest(project_id=project_id, image_id=image_id)
        assert (await refusal_of(all_of(stub.GetImageContent(request)))).reason == reason
    many = images_pb2.DownloadImagesRequest(project_id=one, image_ids=[MISSING] * 10_001)
    assert (await refusal_of(all_of(stub.DownloadImages(many)))).reason == "TOO_MANY_ITEMS"
