"""Tags given to and taken from images, and images deleted."""

import asyncio
from typing import Any

import grpc
import pytest

from customvision.project.use_cases import images as use_case
from customvision.v1 import images_pb2, iterations_pb2
from project_calls import (
    MISSING,
    Stub,
    add_photos,
    complete,
    freeze,
    image_list,
    make_project,
    make_tag,
    make_trainable,
    refusal_of,
)


async def test_every_tag_goes_to_every_image(stub: Stub) -> None:
    """The answer counts new pairs only, and taking them off counts what there was."""
    project_id = (await make_project(stub, multilabel=True)).project_id
    tag_ids = [await make_tag(stub, project_id, name) for name in ("rose", "red")]
    image_ids = [image.image_id for image in await add_photos(stub, project_id, range(3))]
    pairs: dict[str, Any] = {"project_id": project_id, "image_ids": image_ids, "tag_ids": tag_ids}
    assert (await stub.TagImages(images_pb2.TagImagesRequest(**pairs))).added_count == 6
    assert (await stub.TagImages(images_pb2.TagImagesRequest(**pairs))).added_count == 0
    assert all(list(image.tag_ids) == tag_ids for image in await image_list(stub, project_id))
    pairs["tag_ids"] = tag_ids[:1]
    assert (await stub.UntagImages(images_pb2.UntagImagesRequest(**pairs))).removed_count == 3
    assert (await stub.UntagImages(images_pb2.UntagImagesRequest(**pairs))).removed_count == 0


async def test_a_refused_tagging_changes_nothing(stub: Stub) -> None:
    """One image that may not have the tag, one id that is not there: none of the others is tagged."""
    project_id = (await make_project(stub)).project_id
    rose, tulip = [await make_tag(stub, project_id, name) for name in ("rose", "tulip")]
    free = [image.image_id for image in await add_photos(stub, project_id, [1])]
    taken = [image.image_id for image in await add_photos(stub, project_id, [2], [rose])]
    cases = [
        (free + taken, [tulip], grpc.StatusCode.FAILED_PRECONDITION, "TAG_LIMIT_REACHED"),
        (free, [rose, tulip], grpc.StatusCode.FAILED_PRECONDITION, "TAG_LIMIT_REACHED"),
        ([*free, MISSING], [tulip], grpc.StatusCode.NOT_FOUND, "IMAGE_NOT_FOUND"),
        (free, [tulip, MISSING], grpc.StatusCode.NOT_FOUND, "TAG_NOT_FOUND"),
        ([], [tulip], grpc.StatusCode.INVALID_ARGUMENT, "NOTHING_GIVEN"),
        (free * 1001, [tulip], grpc.StatusCode.INVALID_ARGUMENT, "TOO_MANY_ITEMS"),
    ]
    for image_ids, tag_ids, code, reason in cases:
        request = images_pb2.TagImagesRequest(project_id=project_id, image_ids=image_ids, tag_ids=tag_ids)
        refusal = await refusal_of(stub.TagImages(request))
        assert (refusal.code, refusal.reason) == (code, reason)
    assert [list(image.tag_ids) for image in await image_list(stub, project_id)] == [[], [rose]]


async def test_the_negative_tag_stands_alone(stub: Stub) -> None:
    """An image of a multilabel project carries the negative tag or regular ones."""
    project_id = (await make_project(stub, multilabel=True)).project_id
    rose = await make_tag(stub, project_id, "rose")
    nothing = await make_tag(stub, project_id, "nothing", negative=True)
    [image] = await add_photos(stub, project_id, [1], [rose])
    request = images_pb2.TagImagesRequest(project_id=project_id, image_ids=[image.image_id], tag_ids=[nothing])
    refusal = await refusal_of(stub.TagImages(request))
    assert (refusal.reason, refusal.metadata["tag_name"]) == ("NEGATIVE_BESIDE_REGULAR_TAG", "rose")


async def test_deleting_images_passes_over_those_that_are_gone(stub: Stub) -> None:
    """The count is of images that were there; a repeat deletes none."""
    project_id = (await make_project(stub)).project_id
    image_ids = [image.image_id for image in await add_photos(stub, project_id, range(3))]
    request = images_pb2.DeleteImagesRequest(project_id=project_id, image_ids=[*image_ids[:2], MISSING])
    assert (await stub.DeleteImages(request)).deleted_count == 2
    assert (await stub.DeleteImages(request)).deleted_count == 0
    refusal = await refusal_of(stub.GetImage(images_pb2.GetImageRequest(project_id=project_id, image_id=image_ids[0])))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "IMAGE_NOT_FOUND")


async def test_all_images_are_deleted_part_by_part(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that are there go, whatever their number; iterations keep theirs, and other projects too."""
    monkeypatch.setattr(use_case, "DELETED_AT_ONCE", 3)
    project_id, _ = await make_trainable(stub)
    other_id = (await make_project(stub, "other")).project_id
    await add_photos(stub, other_id, [1])
    iteration = await freeze(stub, project_id)
    frozen = await image_list(stub, project_id, iteration_id=iteration.iteration_id)
    await add_photos(stub, project_id, range(20, 24))
    request = images_pb2.DeleteImagesRequest(project_id=project_id, all_images=True)
    assert (await stub.DeleteImages(request)).deleted_count == 14
    assert not await image_list(stub, project_id)
    assert await image_list(stub, project_id, iteration_id=iteration.iteration_id) == frozen
    assert (await stub.DeleteImages(request)).deleted_count == 0
    assert len(await image_list(stub, other_id)) == 1


async def test_all_images_of_all_iterations_leave_none(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the current set go, and those that only an iteration held; the count is of the current ones."""
    monkeypatch.setattr(use_case, "DELETED_AT_ONCE", 3)
    project_id, _ = await make_trainable(stub)
    iteration = await freeze(stub, project_id)
    [first] = (await image_list(stub, project_id))[:1]
    await stub.DeleteImages(images_pb2.DeleteImagesRequest(project_id=project_id, image_ids=[first.image_id]))
    request = images_pb2.DeleteImagesRequest(project_id=project_id, all_images=True, all_iterations=True)
    assert (await stub.DeleteImages(request)).deleted_count == 9
    assert not await image_list(stub, project_id, iteration_id=iteration.iteration_id)
    read = images_pb2.GetImageRequest(project_id=project_id, image_id=first.image_id)
    assert (await refusal_of(stub.GetImage(read))).reason == "IMAGE_NOT_FOUND"


async def test_others_write_while_all_images_are_deleted(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A photo that is uploaded between two parts of the deletion stays: it was not there when the deletion began."""
    monkeypatch.setattr(use_case, "DELETED_AT_ONCE", 1)
    project_id = (await make_project(stub)).project_id
    await add_photos(stub, project_id, range(40))
    request = images_pb2.DeleteImagesRequest(project_id=project_id, all_images=True)
    deleting = asyncio.ensure_future(stub.DeleteImages(request))
    while len(await image_list(stub, project_id)) == 40:
        await asyncio.sleep(0)
    [late] = await add_photos(stub, project_id, [100])
    assert (await deleting).deleted_count == 40
    assert [image.image_id for image in await image_list(stub, project_id)] == [late.image_id]


async def test_deleting_all_takes_no_ids_beside(stub: Stub) -> None:
    """A call that names images and asks for all is refused, and deletes none; so is one for no project."""
    project_id = (await make_project(stub)).project_id
    [image] = await add_photos(stub, project_id, [1])
    both = images_pb2.DeleteImagesRequest(project_id=project_id, all_images=True, image_ids=[image.image_id])
    refusal = await refusal_of(stub.DeleteImages(both))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "IMAGE_IDS_NOT_ALLOWED")
    assert len(await image_list(stub, project_id)) == 1
    nowhere = images_pb2.DeleteImagesRequest(project_id=MISSING, all_images=True)
    assert (await refusal_of(stub.DeleteImages(nowhere))).reason == "PROJECT_NOT_FOUND"


async def test_an_image_that_an_iteration_holds_can_still_be_read(stub: Stub) -> None:
    """Deleting it from the current set leaves the iteration whole; all_iterations takes it out of there too."""
    project_id, _ = await make_trainable(stub)
    iteration = await freeze(stub, project_id)
    [image, other] = (await image_list(stub, project_id))[:2]
    ids = [image.image_id, other.image_id]
    await stub.DeleteImages(images_pb2.DeleteImagesRequest(project_id=project_id, image_ids=ids))
    read = images_pb2.GetImageRequest(project_id=project_id, image_id=image.image_id)
    assert (await stub.GetImage(read)).content_sha256 == image.content_sha256
    everywhere = images_pb2.DeleteImagesRequest(project_id=project_id, image_ids=ids[:1], all_iterations=True)
    assert (await stub.DeleteImages(everywhere)).deleted_count == 0
    assert (await refusal_of(stub.GetImage(read))).reason == "IMAGE_NOT_FOUND"
    assert len(await image_list(stub, project_id, iteration_id=iteration.iteration_id)) == 9


async def test_images_of_a_deleted_iteration_go_with_it(stub: Stub) -> None:
    """Once nothing holds an image its record goes; images that are current stay."""
    project_id, _ = await make_trainable(stub)
    iteration = await complete(stub, await freeze(stub, project_id))
    [image] = (await image_list(stub, project_id))[:1]
    await stub.DeleteImages(images_pb2.DeleteImagesRequest(project_id=project_id, image_ids=[image.image_id]))
    read = images_pb2.GetImageRequest(project_id=project_id, image_id=image.image_id)
    assert await stub.GetImage(read)
    await stub.DeleteIteration(
        iterations_pb2.DeleteIterationRequest(project_id=project_id, iteration_id=iteration.iteration_id)
    )
    assert (await refusal_of(stub.GetImage(read))).reason == "IMAGE_NOT_FOUND"
    assert len(await image_list(stub, project_id)) == 9
