"""What a training can be asked for: type, budget, selected tags, an iteration to begin with, the project's domain."""

from collections.abc import Awaitable
from typing import Any

import grpc
import pytest
from google.protobuf import duration_pb2

from customvision.project.domain.domain import DEFAULT_DOMAIN
from customvision.v1 import iterations_pb2, projects_pb2
from project_calls import (
    MISSING,
    Stub,
    add_photos,
    all_of,
    complete,
    completion,
    freeze,
    make_project,
    make_tag,
    make_trainable,
    refusal_of,
    upload_artifact,
)

ADVANCED = iterations_pb2.TRAINING_TYPE_ADVANCED
COMPACT = "0732100f-1a38-4e49-a514-c9b44c697ab5"
HELLO_SHA256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
TEN_MINUTES = duration_pb2.Duration(seconds=600)


def advance(stub: Stub, project_id: str, **options: Any) -> Awaitable[iterations_pb2.Iteration]:
    """Freezes the current data set for an advanced training."""
    return freeze(stub, project_id, training_type=ADVANCED, **options)


async def change_domain(stub: Stub, project_id: str, domain_id: str) -> None:
    """Gives the project another domain."""
    await stub.UpdateProject(projects_pb2.UpdateProjectRequest(project_id=project_id, domain_id=domain_id))


async def frozen_tag_ids(stub: Stub, iteration: iterations_pb2.Iteration) -> tuple[list[str], list[list[str]]]:
    """Returns the tags of the frozen data set, and those of each of its images."""
    request = iterations_pb2.GetIterationDataSetRequest(
        project_id=iteration.project_id, iteration_id=iteration.iteration_id
    )
    chunks: list[iterations_pb2.IterationDataSetChunk] = await all_of(stub.GetIterationDataSet(request))
    tag_ids = [tag.tag_id for chunk in chunks for tag in chunk.tags]
    return tag_ids, [list(image.tag_ids) for chunk in chunks for image in chunk.images]


async def make_three_labels(stub: Stub) -> tuple[str, list[str]]:
    """Creates a multilabel project: five images of two tags each, five of the third, one of the first and third."""
    project_id = (await make_project(stub, multilabel=True)).project_id
    red, round_, leaf = [await make_tag(stub, project_id, name) for name in ("red", "round", "leaf")]
    await add_photos(stub, project_id, range(5), [red, round_])
    await add_photos(stub, project_id, range(5, 10), [leaf])
    await add_photos(stub, project_id, [10], [red, leaf])
    return project_id, [red, round_, leaf]


async def test_an_iteration_keeps_what_was_asked_for(stub: Stub) -> None:
    """Type, budget, tags, base and domain are told as they were asked for, whatever the project chooses later."""
    project_id, tag_ids = await make_trainable(stub)
    base = await complete(stub, await freeze(stub, project_id))
    assert (base.training_type, base.domain_id) == (iterations_pb2.TRAINING_TYPE_QUICK, DEFAULT_DOMAIN.domain_id)
    assert not base.HasField("training_budget")
    asked = await advance(
        stub,
        project_id,
        training_budget=TEN_MINUTES,
        selected_tag_ids=[tag_ids[1], tag_ids[0], tag_ids[1]],
        base_iteration_id=base.iteration_id,
    )
    assert (asked.training_type, asked.training_budget) == (ADVANCED, TEN_MINUTES)
    assert list(asked.selected_tag_ids) == [tag_ids[1], tag_ids[0]]
    assert asked.base_iteration_id == base.iteration_id
    await change_domain(stub, project_id, COMPACT)
    read = iterations_pb2.GetIterationRequest(project_id=project_id, iteration_id=asked.iteration_id)
    assert await stub.GetIteration(read) == asked
    assert (await freeze(stub, project_id)).domain_id == COMPACT


@pytest.mark.parametrize("fine_tuned", [False, True])
async def test_a_model_says_whether_it_was_fine_tuned(stub: Stub, fine_tuned: bool) -> None:
    """What the training reports is told, and it is false until there is a model."""
    project_id, _ = await make_trainable(stub)
    iteration = await advance(stub, project_id)
    assert not iteration.fine_tuned
    quick = await complete(stub, await freeze(stub, project_id))
    digests = [getattr(quick.artifacts, name) for name in quick.artifacts.DESCRIPTOR.fields_by_name]
    request = completion(iteration, digests)
    request.fine_tuned = fine_tuned
    assert (await stub.CompleteIteration(request)).fine_tuned == fine_tuned


async def test_selected_tags_narrow_the_data_set(stub: Stub) -> None:
    """Images without a selected tag are left out, the others keep only selected tags."""
    project_id, (red, round_, leaf) = await make_three_labels(stub)
    iteration = await freeze(stub, project_id, selected_tag_ids=[leaf, red])
    assert iteration.image_count == 11
    tag_ids, images = await frozen_tag_ids(stub, iteration)
    assert tag_ids == [red, leaf]
    assert images == [[red]] * 5 + [[leaf]] * 5 + [[red, leaf]]
    pair = await freeze(stub, project_id, selected_tag_ids=[red, round_])
    assert pair.image_count == 6
    assert (await frozen_tag_ids(stub, pair))[1] == [[red, round_]] * 5 + [[red]]


async def test_a_selection_that_cannot_be_trained_is_refused(stub: Stub) -> None:
    """An unknown tag, one tag alone, however often, one with few images, one with none: each is named."""
    project_id, (dahlia, rose) = await make_trainable(stub)
    empty, few = [await make_tag(stub, project_id, name) for name in ("empty", "few")]
    await add_photos(stub, project_id, range(100, 104), [few])
    unknown = await refusal_of(freeze(stub, project_id, selected_tag_ids=[dahlia, MISSING]))
    assert (unknown.code, unknown.reason) == (grpc.StatusCode.NOT_FOUND, "TAG_NOT_FOUND")
    assert unknown.metadata == {"tag_id": MISSING}
    alone = await refusal_of(freeze(stub, project_id, selected_tag_ids=[dahlia, dahlia]))
    assert (alone.code, alone.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "TOO_FEW_TAGS")
    assert "only tag 'dahlia' is selected" in alone.message
    four = await refusal_of(freeze(stub, project_id, selected_tag_ids=[dahlia, few]))
    assert four.message == "Tag 'few' has 4 images; training needs at least 5 per tag."
    none = await refusal_of(freeze(stub, project_id, selected_tag_ids=[dahlia, empty]))
    assert (none.reason, none.message) == (
        "TOO_FEW_IMAGES",
        "Tag 'empty' has no images; training needs at least 5 per tag.",
    )
    # What is not selected is not checked.
    assert (await freeze(stub, project_id, selected_tag_ids=[dahlia, rose])).number == 1


async def test_an_unusable_base_is_refused(stub: Stub) -> None:
    """One that is unknown, another project's, in training, failed, of another domain or without weights."""
    project_id, _ = await make_trainable(stub)
    other_id, _ = await make_trainable(stub, first_seed=50)
    training = await freeze(stub, project_id)
    done = await complete(stub, await freeze(stub, project_id))
    elsewhere = await complete(stub, await freeze(stub, other_id))
    failed = await freeze(stub, project_id, force=True)
    await stub.FailIteration(
        iterations_pb2.FailIterationRequest(project_id=project_id, iteration_id=failed.iteration_id, reason="x")
    )
    bare = await freeze(stub, project_id, force=True)
    [digest] = {elsewhere.artifacts.backbone_sha256}
    await stub.CompleteIteration(completion(bare, [digest, digest, "", ""]))

    async def refused(base: iterations_pb2.Iteration | str) -> tuple[str, str]:
        base_id = base if isinstance(base, str) else base.iteration_id
        refusal = await refusal_of(advance(stub, project_id, base_iteration_id=base_id))
        return refusal.reason, refusal.message

    assert (await refused(MISSING))[0] == (await refused(elsewhere))[0] == "ITERATION_NOT_FOUND"
    for base, words in [
        (training, "is still in training"),
        (failed, "is failed"),
        (bare, "keeps no weights"),
    ]:
        reason, message = await refused(base)
        assert reason == "BASE_ITERATION_NOT_USABLE"
        assert words in message
    await change_domain(stub, project_id, COMPACT)
    assert "another domain" in (await refused(done))[1]
    await change_domain(stub, project_id, DEFAULT_DOMAIN.domain_id)
    assert (await advance(stub, project_id, base_iteration_id=done.iteration_id)).base_iteration_id


async def test_a_base_stays_while_a_training_begins_with_it(stub: Stub) -> None:
    """It cannot be deleted until that training has ended."""
    project_id, _ = await make_trainable(stub)
    base = await complete(stub, await freeze(stub, project_id))
    successor = await advance(stub, project_id, base_iteration_id=base.iteration_id)
    deletion = iterations_pb2.DeleteIterationRequest(project_id=project_id, iteration_id=base.iteration_id)
    refusal = await refusal_of(stub.DeleteIteration(deletion))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ITERATION_IN_USE")
    assert "what the training of Iteration 2 begins with" in refusal.message
    await complete(stub, successor)
    await stub.DeleteIteration(deletion)
    read = iterations_pb2.GetIterationRequest(project_id=project_id, iteration_id=successor.iteration_id)
    assert (await stub.GetIteration(read)).base_iteration_id == base.iteration_id


async def test_a_base_may_be_of_another_project(stub: Stub) -> None:
    """It is kept with its project, held to the same conditions, and neither it nor its project goes meanwhile."""
    elsewhere_id, _ = await make_trainable(stub, first_seed=50)
    base = await complete(stub, await freeze(stub, elsewhere_id))
    unfinished = await freeze(stub, elsewhere_id, force=True)
    project_id, _ = await make_trainable(stub)
    where: dict[str, Any] = {"base_iteration_id": base.iteration_id, "base_project_id": elsewhere_id}
    refusals = [
        (where | {"base_project_id": MISSING}, "PROJECT_NOT_FOUND"),
        (where | {"base_project_id": project_id}, "ITERATION_NOT_FOUND"),
        (where | {"base_iteration_id": unfinished.iteration_id}, "BASE_ITERATION_NOT_USABLE"),
    ]
    for options, reason in refusals:
        assert (await refusal_of(advance(stub, project_id, **options))).reason == reason
    await change_domain(stub, project_id, COMPACT)
    assert "another domain" in (await refusal_of(advance(stub, project_id, **where))).message
    await change_domain(stub, project_id, DEFAULT_DOMAIN.domain_id)
    successor = await advance(stub, project_id, request_id=MISSING, **where)
    assert (successor.base_iteration_id, successor.base_project_id) == (base.iteration_id, elsewhere_id)
    assert await advance(stub, project_id, request_id=MISSING, **where) == successor
    refusal = await refusal_of(advance(stub, project_id, request_id=MISSING, **where | {"base_project_id": MISSING}))
    assert refusal.reason == "REQUEST_ID_REUSED"
    await stub.FailIteration(
        iterations_pb2.FailIterationRequest(project_id=elsewhere_id, iteration_id=unfinished.iteration_id, reason="x")
    )
    deletion = iterations_pb2.DeleteIterationRequest(project_id=elsewhere_id, iteration_id=base.iteration_id)
    assert (await refusal_of(stub.DeleteIteration(deletion))).reason == "ITERATION_IN_USE"
    whole = projects_pb2.DeleteProjectRequest(project_id=elsewhere_id)
    held = await refusal_of(stub.DeleteProject(whole))
    assert (held.code, held.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "PROJECT_IN_USE")
    assert "of another project" in held.message
    await complete(stub, successor)
    await stub.DeleteProject(whole)
    read = iterations_pb2.GetIterationRequest(project_id=project_id, iteration_id=successor.iteration_id)
    assert (await stub.GetIteration(read)).base_project_id == elsewhere_id


async def test_the_own_project_of_a_base_need_not_be_named(stub: Stub) -> None:
    """With and without it the request is the same, and the answer names it."""
    project_id, _ = await make_trainable(stub)
    base = await complete(stub, await freeze(stub, project_id))
    asked: dict[str, Any] = {"request_id": MISSING, "base_iteration_id": base.iteration_id}
    first = await advance(stub, project_id, **asked)
    assert await advance(stub, project_id, base_project_id=project_id, **asked) == first
    assert first.base_project_id == project_id
    assert base.base_project_id == ""


@pytest.mark.parametrize(
    ("options", "reason", "fields"),
    [
        ({"training_budget": TEN_MINUTES}, "TRAINING_BUDGET_INVALID", ["training_budget"]),
        (
            {"training_type": ADVANCED, "training_budget": duration_pb2.Duration()},
            "TRAINING_BUDGET_INVALID",
            ["training_budget"],
        ),
        (
            {"training_type": ADVANCED, "training_budget": duration_pb2.Duration(seconds=2**62)},
            "TRAINING_BUDGET_INVALID",
            ["training_budget"],
        ),
        ({"base_iteration_id": MISSING}, "BASE_ITERATION_NOT_ALLOWED", ["base_iteration_id"]),
        ({"selected_tag_ids": [MISSING] * 1001}, "TOO_MANY_ITEMS", ["selected_tag_ids"]),
    ],
    ids=["budget for a quick one", "no time", "for ever", "base for a quick one", "too many tags"],
)
async def test_contradictory_requests_are_refused(
    stub: Stub, options: dict[str, Any], reason: str, fields: list[str]
) -> None:
    """What cannot go together is INVALID_ARGUMENT with the field, and no number is used up."""
    project_id, _ = await make_trainable(stub)
    refusal = await refusal_of(freeze(stub, project_id, **options))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
    assert refusal.fields == fields
    assert (await freeze(stub, project_id)).number == 1
    # One training cannot be asked for in several calls.
    assert "several calls" not in refusal.message


async def test_another_kind_of_training_counts_as_a_change(stub: Stub) -> None:
    """Type, tags, base and domain tell trainings apart; the same again is refused, a longer budget or not."""
    project_id, (red, round_, leaf) = await make_three_labels(stub)
    first = await complete(stub, await freeze(stub, project_id))
    requests: list[dict[str, Any]] = [
        {"training_type": ADVANCED, "training_budget": TEN_MINUTES},
        {"training_type": ADVANCED, "base_iteration_id": first.iteration_id},
        {"training_type": ADVANCED, "selected_tag_ids": [red, round_]},
        {"selected_tag_ids": [red, round_]},
        {"selected_tag_ids": [red, leaf]},
        {},
    ]
    for request in requests:
        await complete(stub, await freeze(stub, project_id, **request))
        assert (await refusal_of(freeze(stub, project_id, **request))).reason == "NOTHING_CHANGED"
    # The whole of the tags is what an unrestricted training takes.
    whole = await refusal_of(freeze(stub, project_id, selected_tag_ids=[red, round_, leaf]))
    assert whole.reason == "NOTHING_CHANGED"
    await change_domain(stub, project_id, COMPACT)
    await complete(stub, await freeze(stub, project_id))
    assert (await refusal_of(freeze(stub, project_id))).reason == "NOTHING_CHANGED"


async def test_a_fine_tuned_model_is_compared_by_the_backbone_it_began_with(stub: Stub) -> None:
    """Its own network's id is no backbone that others share: only another backbone to begin with is a change."""
    project_id, _ = await make_trainable(stub)
    iteration = await advance(stub, project_id, backbone_id="shared")
    digest = (await upload_artifact(stub, HELLO_SHA256, 5, [b"hello"])).sha256
    request = completion(iteration, [digest] * 4, backbone_id="its own")
    request.fine_tuned = True
    await stub.CompleteIteration(request)
    assert (await refusal_of(advance(stub, project_id, backbone_id="shared"))).reason == "NOTHING_CHANGED"
    assert (await advance(stub, project_id, backbone_id="better")).number == 2


async def test_a_repeated_request_must_ask_for_the_same(stub: Stub) -> None:
    """The same request id answers the same iteration; with other tags, another budget or base it is refused."""
    project_id, tag_ids = await make_trainable(stub)
    asked: dict[str, Any] = {"request_id": MISSING, "training_budget": TEN_MINUTES, "selected_tag_ids": tag_ids}
    first = await advance(stub, project_id, **asked)
    assert await advance(stub, project_id, **asked) == first
    changes: list[dict[str, Any]] = [{"training_budget": duration_pb2.Duration(seconds=60)}, {"selected_tag_ids": []}]
    for other in changes:
        refusal = await refusal_of(advance(stub, project_id, **(asked | other)))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
