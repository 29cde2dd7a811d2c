"""Copies of projects: what is in them, what they are called, what becomes of them while they are made."""

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import grpc

from customvision.training.evaluation.performance import Evaluation
from customvision.v1 import images_pb2, iterations_pb2, projects_pb2, tags_pb2
from customvision.vision.artifacts import ModelArtifact
from pictures import photo
from project_calls import (
    MISSING,
    Stub,
    add_images,
    add_photos,
    complete,
    content_of,
    freeze,
    image_list,
    make_project,
    make_tag,
    make_trainable,
    refusal_of,
    upload,
)
from project_copying import (
    FAILED,
    IMPORTING,
    SUCCEEDED,
    artifact,
    begin_copy,
    complete_with_model,
    copied,
    delete_project,
    ended,
    iterations_of,
    project_of,
    tags_of,
    token_of,
)


def without_ids(message: Any, *fields: str) -> Any:
    """Returns a message without the fields in which a copy must differ."""
    other = type(message)()
    other.CopyFrom(message)
    for field in fields:
        other.ClearField(field)
    return other


async def test_a_copy_holds_tags_and_images_as_they_are(stub: Stub) -> None:
    """Settings, tags, images, what is on them and their times are the source's; ids and time of creation are not."""
    source = await stub.CreateProject(
        projects_pb2.CreateProjectRequest(
            name="garden",
            description="flowers",
            classification_type=projects_pb2.CLASSIFICATION_TYPE_MULTILABEL,
            domain_id="0732100f-1a38-4e49-a514-c9b44c697ab5",
            target_export_platforms=["ONNX", "VAIDK"],
        )
    )
    tag_ids = [await make_tag(stub, source.project_id, name) for name in ("rose", "dahlia")]
    nothing = await make_tag(stub, source.project_id, "nothing", negative=True)
    await add_photos(stub, source.project_id, range(3), tag_ids)
    await add_photos(stub, source.project_id, range(3, 5), [nothing])
    plain = await add_photos(stub, source.project_id, range(5, 7))
    await stub.UpdateImageMetadata(
        images_pb2.UpdateImageMetadataRequest(
            project_id=source.project_id, image_ids=[plain[0].image_id], metadata={"camera": "🌷", "site": "x"}
        )
    )
    export = await stub.ExportProject(projects_pb2.ExportProjectRequest(project_id=source.project_id))
    assert (export.image_count, export.tag_count, export.iteration_count) == (7, 3, 0)
    begun = await begin_copy(stub, export.token)
    assert begun.status == IMPORTING
    copy = await ended(stub, begun.project_id, SUCCEEDED)
    differing = ("project_id", "name", "create_time", "update_time", "thumbnail_image_id")
    assert without_ids(copy, *differing) == without_ids(await project_of(stub, source.project_id), *differing)
    assert copy.create_time.ToNanoseconds() > source.create_time.ToNanoseconds()

    source_tags, copied_tags = [await tags_of(stub, project.project_id) for project in (source, copy)]
    ids = {tag.tag_id: other.tag_id for tag, other in zip(source_tags, copied_tags, strict=True)}
    assert not ids.keys() & set(ids.values())
    assert [without_ids(tag, "tag_id", "project_id") for tag in copied_tags] == [
        without_ids(tag, "tag_id", "project_id") for tag in source_tags
    ]
    source_images, copied_images = [await image_list(stub, project.project_id) for project in (source, copy)]
    own = ("image_id", "project_id", "tag_ids", "tags")
    assert [without_ids(image, *own) for image in copied_images] == [
        without_ids(image, *own) for image in source_images
    ]
    assert [list(image.tag_ids) for image in copied_images] == [
        [ids[tag_id] for tag_id in image.tag_ids] for image in source_images
    ]
    assert copy.thumbnail_image_id == copied_images[-1].image_id
    assert [[(tag.tag_name, tag.create_time) for tag in image.tags] for image in copied_images] == [
        [(tag.tag_name, tag.create_time) for tag in image.tags] for image in source_images
    ]
    assert [tag.tag_id for image in copied_images for tag in image.tags] == [
        tag_id for image in copied_images for tag_id in image.tag_ids
    ]
    [found] = await image_list(stub, copy.project_id, filter="camera eq '🌷'")
    assert found == copied_images[5]
    untagged = await image_list(stub, copy.project_id, tagging_status=images_pb2.TAGGING_STATUS_UNTAGGED)
    assert [image.image_id for image in untagged] == [image.image_id for image in copied_images[5:]]


async def test_a_copy_outlives_its_source(stub: Stub) -> None:
    """After the source is deleted the copy's images are there, can be changed and recognise files sent again."""
    project_id, _ = await make_trainable(stub)
    copy = await copied(stub, project_id)
    await delete_project(stub, project_id)
    images = await image_list(stub, copy.project_id)
    assert len(images) == 10
    assert len(await content_of(stub, images[0])) == images[0].size_bytes
    [result] = await add_images(stub, copy.project_id, [photo(0)])
    assert result.status == images_pb2.IMAGE_CREATE_STATUS_OK_DUPLICATE
    assert result.image_id == images[0].image_id


async def test_a_copy_holds_completed_iterations(stub: Stub) -> None:
    """Figures, times, numbers and frozen data sets are copied, also of tags and images that are gone since; nothing is
    published, and neither a failed iteration nor one in training is there."""
    project_id, tag_ids = await make_trainable(stub)
    images = await image_list(stub, project_id)
    first = await complete_with_model(stub, await freeze(stub, project_id), f"Image {images[2].image_id}, was odd.")
    await stub.UpdateIteration(
        iterations_pb2.UpdateIterationRequest(project_id=project_id, iteration_id=first.iteration_id, name="best")
    )
    failing = await freeze(stub, project_id, force=True)
    await stub.FailIteration(
        iterations_pb2.FailIterationRequest(project_id=project_id, iteration_id=failing.iteration_id, reason="bad luck")
    )
    third = await complete_with_model(stub, await freeze(stub, project_id, force=True, selected_tag_ids=tag_ids))
    await stub.PublishIteration(
        iterations_pb2.PublishIterationRequest(
            project_id=project_id, iteration_id=third.iteration_id, publish_name="live", publish_target="here"
        )
    )
    await stub.DeleteImages(images_pb2.DeleteImagesRequest(project_id=project_id, image_ids=[images[0].image_id]))
    await stub.DeleteTag(tags_pb2.DeleteTagRequest(project_id=project_id, tag_id=tag_ids[0]))
    tulip = await make_tag(stub, project_id, "tulip")
    await add_photos(stub, project_id, range(100, 105), [tulip])
    await freeze(stub, project_id, selected_tag_ids=[tag_ids[1], tulip])

    copy = await copied(stub, project_id)
    assert [tag.name for tag in await tags_of(stub, copy.project_id)] == ["rose", "tulip"]
    assert copy.image_count == 14
    source_iterations = {iteration.number: iteration for iteration in await iterations_of(stub, project_id)}
    latest, earliest = await iterations_of(stub, copy.project_id)
    assert (latest.number, earliest.number, earliest.name) == (3, 1, "best")
    own = ("iteration_id", "project_id", "publish_name", "publish_target", "selected_tag_ids", "artifacts", "warnings")
    for iteration in (latest, earliest):
        source = source_iterations[iteration.number]
        assert without_ids(iteration, *own) == without_ids(source, *own)
        assert not iteration.publish_name and not iteration.publish_target
        assert iteration.artifacts.backbone_sha256 == source.artifacts.backbone_sha256
        frozen = await image_list(stub, copy.project_id, iteration_id=iteration.iteration_id)
        before = await image_list(stub, project_id, iteration_id=source.iteration_id)
        assert [image.content_sha256 for image in frozen] == [image.content_sha256 for image in before]
        assert len(frozen) == 10
    current = [image.content_sha256 for image in await image_list(stub, copy.project_id)]
    assert images[0].content_sha256 not in current


async def test_the_models_of_a_copy_answer_with_its_ids(stub: Stub) -> None:
    """Model, evaluation and warnings name the copy's tags and images, and nothing of the source, also deleted tags."""
    project_id, tag_ids = await make_trainable(stub)
    images = await image_list(stub, project_id)
    warning = f"1 image was left out: {images[2].image_id}."
    done = await complete_with_model(stub, await freeze(stub, project_id, selected_tag_ids=tag_ids), warning)
    await stub.DeleteTag(tags_pb2.DeleteTagRequest(project_id=project_id, tag_id=tag_ids[0]))
    copy = await copied(stub, project_id)
    [iteration] = await iterations_of(stub, copy.project_id)
    frozen = await image_list(stub, copy.project_id, iteration_id=iteration.iteration_id)
    model = ModelArtifact.from_bytes(await artifact(stub, iteration.artifacts.model_sha256))
    evaluation = Evaluation.from_bytes(await artifact(stub, iteration.artifacts.evaluation_sha256))
    own_tag_ids = [frozen[0].tag_ids[0], frozen[-1].tag_ids[0]]
    assert [label.tag_id for label in model.labels] == list(evaluation.tag_ids) == own_tag_ids
    assert list(iteration.selected_tag_ids) == own_tag_ids
    assert own_tag_ids[1] == (await tags_of(stub, copy.project_id))[0].tag_id
    assert [label.tag_name for label in model.labels] == ["dahlia", "rose"]
    assert list(evaluation.image_ids) == [image.image_id for image in frozen]
    assert iteration.warnings[-1] == f"1 image was left out: {frozen[2].image_id}."
    original = ModelArtifact.from_bytes(await artifact(stub, done.artifacts.model_sha256))
    assert (model.head.weights == original.head.weights).all()
    assert not set(tag_ids) & set(own_tag_ids)


async def test_a_copy_knows_what_it_was_trained_on(stub: Stub) -> None:
    """Training a copy again changes nothing, as in the source; a changed one trains, and counts on from the source."""
    project_id, _ = await make_trainable(stub)
    await complete_with_model(stub, await freeze(stub, project_id))
    copy = await copied(stub, project_id)
    refusal = await refusal_of(freeze(stub, copy.project_id))
    assert (refusal.reason, refusal.metadata["iteration_name"]) == ("NOTHING_CHANGED", "Iteration 1")
    await add_photos(stub, copy.project_id, [77], [(await tags_of(stub, copy.project_id))[0].tag_id])
    assert (await freeze(stub, copy.project_id)).name == "Iteration 2"


async def test_data_sets_that_were_thinned_out_equal_nothing(stub: Stub) -> None:
    """Where images were taken out of a past data set, the copy can be trained again, as its source can."""
    project_id, tag_ids = await make_trainable(stub)
    extra = (await add_photos(stub, project_id, [50], [tag_ids[0]]))[0].image_id
    await complete_with_model(stub, await freeze(stub, project_id))
    await stub.DeleteImages(
        images_pb2.DeleteImagesRequest(project_id=project_id, image_ids=[extra], all_iterations=True)
    )
    copy = await copied(stub, project_id)
    assert (await freeze(stub, copy.project_id)).image_count == (await freeze(stub, project_id)).image_count == 10


async def test_bases_stay_what_they_were(stub: Stub) -> None:
    """An iteration that began with one of its project begins, in the copy, with that one's copy; one that began with
    another project's still does."""
    project_id, _ = await make_trainable(stub)
    elsewhere_id, _ = await make_trainable(stub, first_seed=200)
    advanced: dict[str, Any] = {"training_type": iterations_pb2.TRAINING_TYPE_ADVANCED, "force": True}
    base = await complete_with_model(stub, await freeze(stub, project_id))
    foreign = await complete_with_model(stub, await freeze(stub, elsewhere_id))
    begun_here = await freeze(stub, project_id, base_iteration_id=base.iteration_id, **advanced)
    begun_there = await freeze(
        stub,
        project_id,
        base_iteration_id=foreign.iteration_id,
        base_project_id=elsewhere_id,
        **advanced,
    )
    for iteration in (begun_here, begun_there):
        await complete_with_model(stub, iteration)
    copy = await copied(stub, project_id)
    there, here, first = await iterations_of(stub, copy.project_id)
    assert (here.base_iteration_id, here.base_project_id) == (first.iteration_id, copy.project_id)
    assert (there.base_iteration_id, there.base_project_id) == (foreign.iteration_id, elsewhere_id)
    assert (first.base_iteration_id, first.base_project_id) == ("", "")


async def test_models_that_cannot_be_read_are_copied_as_they_are(stub: Stub) -> None:
    """A damaged model does not stand in the way of the copy: it is in the copy what it is in the source."""
    project_id, _ = await make_trainable(stub)
    done = await complete(stub, await freeze(stub, project_id))
    copy = await copied(stub, project_id)
    [iteration] = await iterations_of(stub, copy.project_id)
    assert iteration.artifacts == done.artifacts


async def test_names_of_copies(stub: Stub) -> None:
    """A name that was given is kept; otherwise the source's, with the first free number behind it, within the limit."""
    source = await make_project(stub, "garden")
    token = await token_of(stub, source.project_id)
    assert [(await begin_copy(stub, token)).name for _ in range(2)] == ["garden (1)", "garden (2)"]
    assert (await begin_copy(stub, token, name="garden")).name == "garden"
    long = await make_project(stub, "ü" * 128)
    name = (await begin_copy(stub, await token_of(stub, long.project_id))).name
    assert name == "ü" * 124 + " (1)"
    await stub.UpdateProject(projects_pb2.UpdateProjectRequest(project_id=source.project_id, name="park"))
    await delete_project(stub, long.project_id)
    assert (await begin_copy(stub, await token_of(stub, source.project_id), name="")).name == "park (1)"
    assert (await refusal_of(begin_copy(stub, token, name="\n"))).fields == ["name"]


async def test_a_copy_is_begun_once(stub: Stub) -> None:
    """A repeated request id answers the same project, also once the source is gone; other content is refused."""
    project_id = (await make_project(stub)).project_id
    token, request_id = await token_of(stub, project_id), str(uuid.uuid4())
    first = await begin_copy(stub, token, request_id=request_id)
    await ended(stub, first.project_id, SUCCEEDED)
    await delete_project(stub, project_id)
    again = await begin_copy(stub, token, request_id=request_id.upper())
    assert (again.project_id, again.status) == (first.project_id, SUCCEEDED)
    assert (
        await refusal_of(begin_copy(stub, token, name="other", request_id=request_id))
    ).reason == "REQUEST_ID_REUSED"
    assert (await refusal_of(begin_copy(stub, token, request_id="7"))).reason == "REQUEST_ID_INVALID"
    gone = await refusal_of(begin_copy(stub, token))
    assert (gone.code, gone.reason) == (grpc.StatusCode.NOT_FOUND, "PROJECT_NOT_FOUND")
    assert (await refusal_of(token_of(stub, MISSING))).reason == "PROJECT_NOT_FOUND"


async def test_until_it_is_whole_a_copy_is_only_read_and_deleted(stub: Stub, held_back: asyncio.Event) -> None:
    """Each call that would change it is refused with one reason, and the same calls work once it is whole."""
    project_id, _ = await make_trainable(stub)
    copy = await begin_copy(stub, await token_of(stub, project_id))
    calls = changing_calls(stub, copy.project_id, (await tags_of(stub, copy.project_id))[0].tag_id)
    for name, call in calls.items():
        refusal = await refusal_of(call())
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "PROJECT_IMPORTING"), name
    other = await begin_copy(stub, await token_of(stub, project_id))
    await delete_project(stub, other.project_id)
    assert (await refusal_of(project_of(stub, other.project_id))).reason == "PROJECT_NOT_FOUND"
    held_back.set()
    await ended(stub, copy.project_id, SUCCEEDED)
    await calls["create a tag"]()
    assert (await calls["upload"]()).created_count == 1


def changing_calls(stub: Stub, project_id: str, tag_id: str) -> dict[str, Callable[[], Any]]:
    """Returns calls that would change a project, by what they do."""
    pair: dict[str, Any] = {"project_id": project_id, "image_ids": [MISSING], "tag_ids": [tag_id]}
    iteration: dict[str, Any] = {"project_id": project_id, "iteration_id": MISSING}
    return {
        "create a tag": lambda: make_tag(stub, project_id, "new"),
        "update a tag": lambda: stub.UpdateTag(tags_pb2.UpdateTagRequest(project_id=project_id, tag_id=tag_id)),
        "delete a tag": lambda: stub.DeleteTag(tags_pb2.DeleteTagRequest(project_id=project_id, tag_id=tag_id)),
        "add": lambda: add_images(stub, project_id, [photo(99)]),
        "upload": lambda: upload(stub, project_id, [photo(99)]),
        "tag": lambda: stub.TagImages(images_pb2.TagImagesRequest(**pair)),
        "untag": lambda: stub.UntagImages(images_pb2.UntagImagesRequest(**pair)),
        "delete images": lambda: stub.DeleteImages(
            images_pb2.DeleteImagesRequest(project_id=project_id, image_ids=[MISSING])
        ),
        "delete all images": lambda: stub.DeleteImages(
            images_pb2.DeleteImagesRequest(project_id=project_id, all_images=True)
        ),
        "metadata": lambda: stub.UpdateImageMetadata(
            images_pb2.UpdateImageMetadataRequest(project_id=project_id, image_ids=[MISSING], metadata={"camera": "x"})
        ),
        "train": lambda: freeze(stub, project_id),
        "publish": lambda: stub.PublishIteration(
            iterations_pb2.PublishIterationRequest(**iteration, publish_name="live")
        ),
        "rename": lambda: stub.UpdateIteration(iterations_pb2.UpdateIterationRequest(**iteration, name="x")),
        "delete": lambda: stub.DeleteIteration(iterations_pb2.DeleteIterationRequest(**iteration)),
        "update": lambda: stub.UpdateProject(projects_pb2.UpdateProjectRequest(project_id=project_id, name="x")),
        "export": lambda: token_of(stub, project_id),
    }


async def test_a_copy_fails_where_its_source_goes(stub: Stub, held_back: asyncio.Event) -> None:
    """A source that is deleted before the copy is whole leaves FAILED; such a copy can be read and deleted alone."""
    project_id, _ = await make_trainable(stub)
    copy = await begin_copy(stub, await token_of(stub, project_id))
    deleted = await begin_copy(stub, await token_of(stub, project_id))
    await delete_project(stub, deleted.project_id)
    await delete_project(stub, project_id)
    held_back.set()
    await ended(stub, copy.project_id, FAILED)
    refusal = await refusal_of(freeze(stub, copy.project_id))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "PROJECT_IMPORT_FAILED")
    assert (await refusal_of(token_of(stub, copy.project_id))).reason == "PROJECT_IMPORT_FAILED"
    await delete_project(stub, copy.project_id)


async def test_what_comes_after_the_beginning_is_not_in_the_copy(stub: Stub, held_back: asyncio.Event) -> None:
    """Images and tags that the source gets meanwhile are left out, and what it loses meanwhile does no harm."""
    project_id, tag_ids = await make_trainable(stub)
    done = await complete_with_model(stub, await freeze(stub, project_id))
    copy = await begin_copy(stub, await token_of(stub, project_id))
    images = await image_list(stub, project_id)
    late = await make_tag(stub, project_id, "late")
    await add_photos(stub, project_id, [60], [late])
    await stub.DeleteIteration(
        iterations_pb2.DeleteIterationRequest(project_id=project_id, iteration_id=done.iteration_id)
    )
    await stub.DeleteTag(tags_pb2.DeleteTagRequest(project_id=project_id, tag_id=tag_ids[0]))
    await stub.DeleteImages(images_pb2.DeleteImagesRequest(project_id=project_id, image_ids=[images[-1].image_id]))
    held_back.set()
    await ended(stub, copy.project_id, SUCCEEDED)
    copied_images = await image_list(stub, copy.project_id)
    assert [image.content_sha256 for image in copied_images] == [image.content_sha256 for image in images[:-1]]
    assert [tag.name for tag in await tags_of(stub, copy.project_id)] == ["dahlia", "rose"]
    assert [len(image.tag_ids) for image in copied_images] == [0] * 5 + [1] * 4
    assert not await iterations_of(stub, copy.project_id)
