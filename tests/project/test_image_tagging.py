"""Tags given to and taken from images, and images deleted."""

from typing import Any

import grpc

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
