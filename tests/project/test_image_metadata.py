"""Metadata kept with images: given on the way in, kept for duplicates, changed later; and since when a tag is there."""

import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc
import pytest

from customvision.v1 import images_pb2, iterations_pb2, stored_predictions_pb2
from pictures import photo
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

OK, DUPLICATE, REFUSED = (
    images_pb2.IMAGE_CREATE_STATUS_OK,
    images_pb2.IMAGE_CREATE_STATUS_OK_DUPLICATE,
    images_pb2.IMAGE_CREATE_STATUS_ERROR_METADATA,
)
TOO_MUCH: list[dict[str, str]] = [
    {f"key {number}": "" for number in range(11)},
    {"": "value"},
    {"k" * 129: "value"},
    {"key": "v" * 257},
]


def uploaded(seed: int, metadata: Mapping[str, str] | None = None) -> images_pb2.ImageUpload:
    """Returns a drawn photo on its way in."""
    return images_pb2.ImageUpload(image_data=photo(seed), metadata=metadata)


async def add(
    stub: Stub, project_id: str, uploads: list[images_pb2.ImageUpload], metadata: Mapping[str, str] | None = None
) -> list[tuple[Any, dict[str, str]]]:
    """Adds images as one batch and returns status and metadata of each."""
    request = images_pb2.CreateImagesRequest(project_id=project_id, images=uploads, metadata=metadata)
    return [(result.status, dict(result.image.metadata)) for result in (await stub.CreateImages(request)).results]


async def change(
    stub: Stub, project_id: str, image_ids: list[str], metadata: Mapping[str, str]
) -> list[images_pb2.ImageMetadataResult]:
    """Changes the metadata of images."""
    request = images_pb2.UpdateImageMetadataRequest(project_id=project_id, image_ids=image_ids, metadata=metadata)
    return list((await stub.UpdateImageMetadata(request)).results)


async def test_metadata_comes_back_as_it_was_given(stub: Stub) -> None:
    """Any characters, empty values and the longest texts; an image's own pair goes before the batch's."""
    project_id = (await make_project(stub)).project_id
    own = {"split": "test", "ü😀 \x00'": "v" * 256, "k" * 128: ""}
    results = await add(stub, project_id, [uploaded(1, own), uploaded(2)], {"split": "train", "camera": "left"})
    assert results == [(OK, {**own, "camera": "left"}), (OK, {"split": "train", "camera": "left"})]
    listed = await image_list(stub, project_id)
    assert [dict(image.metadata) for image in listed] == [metadata for _, metadata in results]
    read = images_pb2.GetImageRequest(project_id=project_id, image_id=listed[0].image_id)
    assert await stub.GetImage(read) == listed[0]


@pytest.mark.parametrize("metadata", TOO_MUCH, ids=["pairs", "no key", "key", "value"])
async def test_an_image_with_too_much_metadata_is_refused_alone(stub: Stub, metadata: dict[str, str]) -> None:
    """Ten pairs, keys of 1 to 128 and values of 256 characters; the other images of the batch are stored."""
    project_id = (await make_project(stub)).project_id
    request = images_pb2.CreateImagesRequest(project_id=project_id, images=[uploaded(1, metadata), uploaded(2)])
    refused, stored = (await stub.CreateImages(request)).results
    assert (refused.status, refused.image_id, stored.status) == (REFUSED, "", OK)
    assert "metadata" in refused.message
    assert len(await image_list(stub, project_id)) == 1


async def test_pairs_of_image_and_batch_count_together(stub: Stub) -> None:
    """An image whose own pairs and the batch's are more than ten is refused; ten are stored."""
    project_id = (await make_project(stub)).project_id
    own = {f"own {number}": "1" for number in range(6)}
    four = {f"shared {number}": "1" for number in range(4)}
    assert await add(stub, project_id, [uploaded(1, own)], four | {"one more": "1"}) == [(REFUSED, {})]
    assert await add(stub, project_id, [uploaded(1, own)], four) == [(OK, own | four)]


async def test_a_duplicate_adds_new_keys_and_changes_none(stub: Stub) -> None:
    """The image that is there keeps its values, and gains keys in order of the alphabet while there is room."""
    project_id = (await make_project(stub)).project_id
    first = {f"key {number}": "first" for number in range(8)}
    assert await add(stub, project_id, [uploaded(1, first)]) == [(OK, first)]
    second = {"key 3": "second", "c": "second", "a": "second", "b": "second"}
    expected = {**first, "a": "second", "b": "second"}
    assert await add(stub, project_id, [uploaded(1, second)]) == [(DUPLICATE, expected)]
    assert await add(stub, project_id, [uploaded(1)]) == [(DUPLICATE, expected)]


async def test_an_image_that_comes_back_has_the_metadata_it_came_with(stub: Stub) -> None:
    """A deleted image that an iteration holds, uploaded again, counts as new: nothing of before is left on it."""
    project_id, (dahlia, _) = await make_trainable(stub)
    [old] = (await image_list(stub, project_id))[:1]
    await change(stub, project_id, [old.image_id], {"split": "train", "camera": "left"})
    await freeze(stub, project_id)
    await stub.DeleteImages(images_pb2.DeleteImagesRequest(project_id=project_id, image_ids=[old.image_id]))
    request = images_pb2.CreateImagesRequest(
        project_id=project_id, images=[uploaded(0, {"split": "test"})], tag_ids=[dahlia]
    )
    [result] = (await stub.CreateImages(request)).results
    assert (result.status, result.image_id, dict(result.image.metadata)) == (OK, old.image_id, {"split": "test"})
    assert result.image.tags[0].create_time.ToDatetime() > old.create_time.ToDatetime()


async def test_a_stream_keeps_metadata_and_refuses_image_by_image(stub: Stub) -> None:
    """What the header gives goes to every image, an image's own before it; one with too much is refused."""
    project_id = (await make_project(stub)).project_id

    async def messages() -> AsyncIterator[images_pb2.UploadImagesRequest]:
        header = images_pb2.UploadImagesHeader(project_id=project_id, metadata={"day": "monday"})
        yield images_pb2.UploadImagesRequest(header=header)
        for upload in (uploaded(1), uploaded(2, {"day": "friday"}), uploaded(3, {"key": "v" * 257})):
            yield images_pb2.UploadImagesRequest(image=upload)

    answer = await stub.UploadImages(messages())
    assert [result.status for result in answer.results] == [OK, OK, REFUSED]
    listed = await image_list(stub, project_id)
    assert [dict(image.metadata) for image in listed] == [{"day": "monday"}, {"day": "friday"}]


async def test_images_of_predictions_keep_the_metadata_given(stub: Stub) -> None:
    """Metadata goes to every image made of a prediction; too much of it leaves the predictions where they are."""
    project_id = (await make_project(stub)).project_id
    kept = [str(uuid.uuid4()) for _ in range(2)]
    for seed, prediction_id in enumerate(kept):
        await stub.RecordPrediction(
            stored_predictions_pb2.RecordPredictionRequest(
                prediction_id=prediction_id, project_id=project_id, image_data=photo(seed)
            )
        )
    request = stored_predictions_pb2.CreateImagesFromPredictionsRequest(
        project_id=project_id,
        corrections=[
            stored_predictions_pb2.PredictionCorrection(prediction_id=prediction_id) for prediction_id in kept
        ],
        metadata={"": "from the field"},
    )
    refused = (await stub.CreateImagesFromPredictions(request)).results
    assert [result.status for result in refused] == [REFUSED, REFUSED]
    del request.metadata[""]
    request.metadata["source"] = "from the field"
    made = (await stub.CreateImagesFromPredictions(request)).results
    assert [dict(result.image.metadata) for result in made] == [{"source": "from the field"}] * 2


async def test_changes_set_add_and_remove_pairs(stub: Stub) -> None:
    """Keys that a change does not name stay; an empty value removes its key; each image has a result, in order."""
    project_id = (await make_project(stub)).project_id
    await add(stub, project_id, [uploaded(1, {"split": "train", "day": "monday", "empty": ""}), uploaded(2)])
    one, two = [image.image_id for image in await image_list(stub, project_id)]
    results = await change(stub, project_id, [two, MISSING, one, two], {"split": "test", "day": ""})
    done, missing = images_pb2.IMAGE_METADATA_STATUS_OK, images_pb2.IMAGE_METADATA_STATUS_ERROR_IMAGE_NOT_FOUND
    assert [(result.image_id, result.status, dict(result.metadata)) for result in results] == [
        (two, done, {"split": "test"}),
        (MISSING, missing, {}),
        (one, done, {"split": "test", "empty": ""}),
        (two, done, {"split": "test"}),
    ]
    listed = [dict(image.metadata) for image in await image_list(stub, project_id)]
    assert listed == [{"split": "test", "empty": ""}, {"split": "test"}]
    assert await change(stub, project_id, [two], {}) == results[:1]


async def test_a_change_that_would_be_too_many_pairs_leaves_its_image(stub: Stub) -> None:
    """The image keeps what it has; one with room, or that loses a pair by the same change, gets the new ones."""
    project_id = (await make_project(stub)).project_id
    full = {f"key {number}": "1" for number in range(10)}
    await add(stub, project_id, [uploaded(1, full), uploaded(2, {"key 1": "1"})])
    one, two = [image.image_id for image in await image_list(stub, project_id)]
    limit = images_pb2.IMAGE_METADATA_STATUS_ERROR_LIMIT
    results = await change(stub, project_id, [one, two], {"new": "1"})
    assert [result.status for result in results] == [limit, images_pb2.IMAGE_METADATA_STATUS_OK]
    assert [dict(result.metadata) for result in results] == [full, {"key 1": "1", "new": "1"}]
    [result] = await change(stub, project_id, [one], {"new": "1", "key 0": "", "key 9": "2"})
    assert dict(result.metadata) == {**{f"key {number}": "1" for number in range(1, 9)}, "key 9": "2", "new": "1"}
    assert dict((await image_list(stub, project_id))[0].metadata) == dict(result.metadata)


async def test_bad_changes_of_metadata_are_refused(stub: Stub) -> None:
    """Too much metadata, no image, too many of them, no such project: nothing changes."""
    project_id = (await make_project(stub)).project_id
    await add(stub, project_id, [uploaded(1)])
    [image] = await image_list(stub, project_id)
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    cases: list[tuple[str, list[str], dict[str, str], grpc.StatusCode, str]] = [
        *((project_id, [image.image_id], metadata, invalid, "METADATA_INVALID") for metadata in TOO_MUCH),
        (project_id, [], {"a": "1"}, invalid, "NOTHING_GIVEN"),
        (project_id, [MISSING] * 1001, {"a": "1"}, invalid, "TOO_MANY_ITEMS"),
        (MISSING, [image.image_id], {"a": "1"}, grpc.StatusCode.NOT_FOUND, "PROJECT_NOT_FOUND"),
    ]
    for where, image_ids, metadata, code, reason in cases:
        refusal = await refusal_of(change(stub, where, image_ids, metadata))
        assert (refusal.code, refusal.reason) == (code, reason)
    assert await image_list(stub, project_id) == [image]


async def test_a_tag_on_an_image_has_its_name_and_the_time_it_was_given(stub: Stub) -> None:
    """At upload it is the image's time, later a later one; taking it off and giving it again is a new time."""
    project_id = (await make_project(stub, multilabel=True)).project_id
    rose, red = [await make_tag(stub, project_id, name) for name in ("rose", "red")]
    [image] = await add_photos(stub, project_id, [1], [rose])
    assert [(tag.tag_id, tag.tag_name, tag.create_time) for tag in image.tags] == [(rose, "rose", image.create_time)]
    pair: dict[str, Any] = {"project_id": project_id, "image_ids": [image.image_id], "tag_ids": [red]}
    times = []
    for _ in range(2):
        await stub.TagImages(images_pb2.TagImagesRequest(**pair))
        await stub.TagImages(images_pb2.TagImagesRequest(**pair))
        [listed] = await image_list(stub, project_id)
        assert [tag.tag_id for tag in listed.tags] == list(listed.tag_ids) == [rose, red]
        assert listed.tags[0] == image.tags[0]
        times.append(listed.tags[1].create_time.ToDatetime())
        await stub.UntagImages(images_pb2.UntagImagesRequest(**pair))
    assert image.create_time.ToDatetime() < times[0] < times[1]


async def test_metadata_goes_with_its_image(stub: Stub) -> None:
    """An image that only an iteration holds keeps it; once nothing holds it, the same file starts anew without."""
    project_id, _ = await make_trainable(stub)
    [image] = (await image_list(stub, project_id))[:1]
    await change(stub, project_id, [image.image_id], {"split": "train"})
    iteration = await complete(stub, await freeze(stub, project_id))
    await stub.DeleteImages(images_pb2.DeleteImagesRequest(project_id=project_id, image_ids=[image.image_id]))
    of_iteration = {"iteration_id": iteration.iteration_id, "filter": "split eq 'train'"}
    assert [it.image_id for it in await image_list(stub, project_id, **of_iteration)] == [image.image_id]
    assert not await image_list(stub, project_id, filter="split eq 'train'")
    await stub.DeleteIteration(
        iterations_pb2.DeleteIterationRequest(project_id=project_id, iteration_id=iteration.iteration_id)
    )
    [again] = await add_photos(stub, project_id, [0])
    assert (again.image_id != image.image_id, dict(again.metadata)) == (True, {})
