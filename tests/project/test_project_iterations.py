"""Iterations: frozen, completed, failed, listed, renamed, deleted."""

import grpc
import pytest

from customvision.v1 import images_pb2, iterations_pb2, tags_pb2
from project_calls import (
    MISSING,
    Stub,
    add_photos,
    all_of,
    complete,
    completion,
    freeze,
    image_list,
    make_project,
    make_tag,
    make_trainable,
    refusal_of,
)


async def data_set(stub: Stub, iteration: iterations_pb2.Iteration) -> iterations_pb2.IterationDataSetChunk:
    """Returns the frozen data set in one message."""
    request = iterations_pb2.GetIterationDataSetRequest(
        project_id=iteration.project_id, iteration_id=iteration.iteration_id
    )
    whole = iterations_pb2.IterationDataSetChunk()
    for chunk in await all_of(stub.GetIterationDataSet(request)):
        whole.MergeFrom(chunk)
    return whole


async def test_an_iteration_freezes_what_is_tagged(stub: Stub) -> None:
    """Tags with images and their images, as they are now; what changes later does not reach it."""
    project_id, (dahlia, rose) = await make_trainable(stub)
    await make_tag(stub, project_id, "tag without images")
    await add_photos(stub, project_id, [100])
    images = (await image_list(stub, project_id))[:10]
    iteration = await freeze(stub, project_id)
    assert (iteration.name, iteration.number, iteration.image_count) == ("Iteration 1", 1, 10)
    assert iteration.status == iterations_pb2.ITERATION_STATUS_TRAINING
    await stub.UpdateTag(tags_pb2.UpdateTagRequest(project_id=project_id, tag_id=dahlia, name="aster"))
    await stub.DeleteTag(tags_pb2.DeleteTagRequest(project_id=project_id, tag_id=rose))
    frozen = await data_set(stub, iteration)
    assert [(tag.tag_id, tag.name, tag.image_count) for tag in frozen.tags] == [
        (dahlia, "dahlia", 5),
        (rose, "rose", 5),
    ]
    assert [(image.image_id, image.content_sha256, list(image.tag_ids)) for image in frozen.images] == [
        (image.image_id, image.content_sha256, list(image.tag_ids)) for image in images
    ]


async def test_too_small_data_sets_are_refused_by_name(stub: Stub) -> None:
    """No tag, one tag, a tag of three images: FAILED_PRECONDITION naming tag and count, and no number is used up."""
    project_id = (await make_project(stub)).project_id
    none = await refusal_of(freeze(stub, project_id))
    assert (none.code, none.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "TOO_FEW_TAGS")
    rose, dahlia = [await make_tag(stub, project_id, name) for name in ("rose", "dahlia")]
    await add_photos(stub, project_id, range(5), [rose])
    one = await refusal_of(freeze(stub, project_id))
    assert "only tag 'rose' has images" in one.message
    await add_photos(stub, project_id, range(5, 8), [dahlia])
    few = await refusal_of(freeze(stub, project_id))
    assert few.reason == "TOO_FEW_IMAGES"
    assert few.message == "Tag 'dahlia' has 3 images; training needs at least 5 per tag."
    assert few.metadata == {"tag_name": "dahlia", "image_count": "3", "required": "5"}
    await add_photos(stub, project_id, range(8, 10), [dahlia])
    assert (await freeze(stub, project_id)).number == 1


async def test_nothing_changed_is_refused_until_something_does(stub: Stub) -> None:
    """The same data on the same backbone is refused; more images, other tags, another backbone or force are not."""
    project_id, (dahlia, rose) = await make_trainable(stub)
    first = await complete(stub, await freeze(stub, project_id), backbone_id="one")
    refusal = await refusal_of(freeze(stub, project_id))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NOTHING_CHANGED")
    assert refusal.message == "Nothing changed since Iteration 1; add or retag images, or force training."
    assert (await refusal_of(freeze(stub, project_id, backbone_id="one"))).reason == "NOTHING_CHANGED"
    assert (await freeze(stub, project_id, backbone_id="two")).number == 2
    assert (await freeze(stub, project_id, force=True)).number == 3
    await add_photos(stub, project_id, [100], [])
    assert (await refusal_of(freeze(stub, project_id))).reason == "NOTHING_CHANGED"
    await add_photos(stub, project_id, [101], [rose])
    assert (await freeze(stub, project_id)).number == 4
    image_id = (await image_list(stub, project_id, tag_ids=[rose], order=2))[0].image_id
    await stub.DeleteImages(images_pb2.DeleteImagesRequest(project_id=project_id, image_ids=[image_id]))
    assert (await refusal_of(freeze(stub, project_id))).reason == "NOTHING_CHANGED"
    await stub.UpdateTag(tags_pb2.UpdateTagRequest(project_id=project_id, tag_id=dahlia, name="aster"))
    assert (await freeze(stub, project_id)).number == 5
    await stub.UpdateTag(tags_pb2.UpdateTagRequest(project_id=project_id, tag_id=dahlia, name="dahlia"))
    await stub.DeleteIteration(
        iterations_pb2.DeleteIterationRequest(project_id=project_id, iteration_id=first.iteration_id)
    )
    assert (await freeze(stub, project_id)).number == 6


async def test_a_repeated_request_id_answers_the_same_iteration(stub: Stub) -> None:
    """A retried call freezes nothing more and uses no number."""
    project_id, _ = await make_trainable(stub)
    first = await freeze(stub, project_id, request_id=MISSING)
    assert await freeze(stub, project_id, request_id=MISSING) == first
    assert (await freeze(stub, project_id)).number == 2


async def test_a_completed_iteration_says_what_it_is(stub: Stub) -> None:
    """Backbone, artifacts, metrics, warnings and end are there; completing it again so changes nothing."""
    project_id, _ = await make_trainable(stub)
    iteration = await complete(stub, await freeze(stub, project_id))
    assert iteration.status == iterations_pb2.ITERATION_STATUS_COMPLETED
    assert iteration.backbone.weights_source == iterations_pb2.WEIGHTS_SOURCE_PATH
    assert (iteration.metrics.precision, iteration.metrics.held_out_image_count) == (0.5, 2)
    assert list(iteration.warnings) == ["No trained backbone was to be had."]
    assert iteration.end_time.ToNanoseconds() >= iteration.create_time.ToNanoseconds()
    assert await complete(stub, iteration) == iteration
    request = iterations_pb2.GetIterationRequest(project_id=project_id, iteration_id=iteration.iteration_id)
    assert await stub.GetIteration(request) == iteration


async def test_completing_needs_stored_artifacts_and_sound_figures(stub: Stub) -> None:
    """A missing artifact, a digest that is none, a metric that is no share: refused, and still in training."""
    project_id, _ = await make_trainable(stub)
    iteration = await freeze(stub, project_id)
    missing = await refusal_of(stub.CompleteIteration(completion(iteration, ["a" * 64, "b" * 64, "", ""])))
    assert (missing.code, missing.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ARTIFACT_MISSING")
    no_digest = await refusal_of(stub.CompleteIteration(completion(iteration, ["zzz", "b" * 64, "", ""])))
    assert no_digest.fields == ["artifacts.model_sha256"]
    request = completion(iteration, ["a" * 64] * 4)
    request.metrics.precision = float("nan")
    assert (await refusal_of(stub.CompleteIteration(request))).reason == "METRICS_INVALID"
    read = iterations_pb2.GetIterationRequest(project_id=project_id, iteration_id=iteration.iteration_id)
    assert (await stub.GetIteration(read)).status == iterations_pb2.ITERATION_STATUS_TRAINING


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_failed_iteration_stays_as_it_is(stub: Stub, cancelled: bool) -> None:
    """Failing again changes nothing, completing is refused; a completed one does not fail."""
    project_id, _ = await make_trainable(stub)
    iteration = await freeze(stub, project_id)
    ids = {"project_id": project_id, "iteration_id": iteration.iteration_id}
    reason = "" if cancelled else "The disk was full."
    failed = await stub.FailIteration(
        iterations_pb2.FailIterationRequest(**ids, reason="The disk was full.", cancelled=cancelled)
    )
    names = iterations_pb2.IterationStatus
    assert failed.status == (names.ITERATION_STATUS_CANCELLED if cancelled else names.ITERATION_STATUS_FAILED)
    assert failed.failure_reason == reason
    again = iterations_pb2.FailIterationRequest(**ids, reason="other", cancelled=not cancelled)
    assert await stub.FailIteration(again) == failed
    assert (await refusal_of(complete(stub, iteration))).reason == "ITERATION_NOT_IN_TRAINING"
    done = await complete(stub, await freeze(stub, project_id, force=True))
    late = iterations_pb2.FailIterationRequest(project_id=project_id, iteration_id=done.iteration_id)
    assert (await refusal_of(stub.FailIteration(late))).code == grpc.StatusCode.FAILED_PRECONDITION


async def test_iterations_list_newest_first_and_numbers_are_never_reused(stub: Stub) -> None:
    """A deleted iteration's number does not come again."""
    project_id, _ = await make_trainable(stub)
    for _ in range(3):
        last = await complete(stub, await freeze(stub, project_id, force=True))
    ids = {"project_id": project_id, "iteration_id": last.iteration_id}
    await stub.DeleteIteration(iterations_pb2.DeleteIterationRequest(**ids))
    assert (await refusal_of(stub.GetIteration(iterations_pb2.GetIterationRequest(**ids)))).reason == (
        "ITERATION_NOT_FOUND"
    )
    await freeze(stub, project_id, force=True)
    first = await stub.ListIterations(iterations_pb2.ListIterationsRequest(project_id=project_id, page_size=2))
    rest = iterations_pb2.ListIterationsRequest(project_id=project_id, page_size=2, page_token=first.next_page_token)
    listed = (*first.iterations, *(await stub.ListIterations(rest)).iterations)
    assert [iteration.number for iteration in listed] == [4, 2, 1]


async def test_an_iteration_is_renamed_to_a_free_name(stub: Stub) -> None:
    """A taken name is refused; a name that a later iteration would get moves that one aside."""
    project_id, _ = await make_trainable(stub)
    first = await freeze(stub, project_id)
    ids = {"project_id": project_id, "iteration_id": first.iteration_id}
    renamed = await stub.UpdateIteration(iterations_pb2.UpdateIterationRequest(**ids, name="Iteration 2"))
    assert (renamed.name, renamed.number) == ("Iteration 2", 1)
    second = await freeze(stub, project_id)
    assert (second.name, second.number) == ("Iteration 2 (2)", 2)
    taken = iterations_pb2.UpdateIterationRequest(**ids, name=second.name)
    refusal = await refusal_of(stub.UpdateIteration(taken))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "ITERATION_NAME_TAKEN")
    assert (await stub.UpdateIteration(iterations_pb2.UpdateIterationRequest(**ids))).name == "Iteration 2"


async def test_an_iteration_in_training_is_not_deleted(stub: Stub) -> None:
    """Its training still needs it."""
    project_id, _ = await make_trainable(stub)
    iteration = await freeze(stub, project_id)
    request = iterations_pb2.DeleteIterationRequest(project_id=project_id, iteration_id=iteration.iteration_id)
    refusal = await refusal_of(stub.DeleteIteration(request))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ITERATION_IN_USE")
