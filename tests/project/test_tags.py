"""Tags: created, read, listed, changed, deleted."""

from typing import Any

import grpc

from customvision.v1 import tags_pb2
from project_calls import (
    MISSING,
    Stub,
    add_photos,
    freeze,
    image_list,
    make_project,
    make_tag,
    make_trainable,
    refusal_of,
)

NAMES = ["🌹", "a/b", 'it\'s "red"', "zwei Wörter", "ورد", "rose", "Rose", "rose "]


async def test_tag_names_are_kept_verbatim_and_listed_in_order_of_creation(stub: Stub) -> None:
    """Names that differ in case or blanks are different names."""
    project_id = (await make_project(stub)).project_id
    for name in NAMES:
        await make_tag(stub, project_id, name)
    page = await stub.ListTags(tags_pb2.ListTagsRequest(project_id=project_id, page_size=5))
    rest = tags_pb2.ListTagsRequest(project_id=project_id, page_size=5, page_token=page.next_page_token)
    assert [tag.name for tag in (*page.tags, *(await stub.ListTags(rest)).tags)] == NAMES


async def test_a_taken_name_is_refused_in_its_project_only(stub: Stub) -> None:
    """Names are unique in a project; another project may use them."""
    one, other = [(await make_project(stub)).project_id for _ in range(2)]
    await make_tag(stub, one, "rose")
    await make_tag(stub, other, "rose")
    refusal = await refusal_of(make_tag(stub, one, "rose"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "TAG_NAME_TAKEN")
    tulip = await make_tag(stub, one, "tulip")
    renaming = tags_pb2.UpdateTagRequest(project_id=one, tag_id=tulip, name="rose")
    assert (await refusal_of(stub.UpdateTag(renaming))).reason == "TAG_NAME_TAKEN"


async def test_a_name_of_10000_characters_is_refused(stub: Stub) -> None:
    """The field is named and the message stays short."""
    project_id = (await make_project(stub)).project_id
    refusal = await refusal_of(make_tag(stub, project_id, "x" * 10_000))
    assert (refusal.code, refusal.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["name"])
    assert len(refusal.message) < 200


async def test_a_project_has_one_negative_tag(stub: Stub) -> None:
    """A second one is refused, created or changed to."""
    project_id = (await make_project(stub)).project_id
    await make_tag(stub, project_id, "other things", negative=True)
    refusal = await refusal_of(make_tag(stub, project_id, "nothing", negative=True))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "NEGATIVE_TAG_EXISTS")
    rose = await make_tag(stub, project_id, "rose")
    change = tags_pb2.UpdateTagRequest(project_id=project_id, tag_id=rose, type=tags_pb2.TAG_TYPE_NEGATIVE)
    assert (await refusal_of(stub.UpdateTag(change))).reason == "NEGATIVE_TAG_EXISTS"


async def test_a_tag_beside_another_does_not_become_negative(stub: Stub) -> None:
    """The negative tag never stands beside a regular one, however it became negative."""
    project_id = (await make_project(stub, multilabel=True)).project_id
    tag_ids = [await make_tag(stub, project_id, name) for name in ("rose", "tulip")]
    await add_photos(stub, project_id, [1], tag_ids)
    change = tags_pb2.UpdateTagRequest(project_id=project_id, tag_id=tag_ids[0], type=tags_pb2.TAG_TYPE_NEGATIVE)
    refusal = await refusal_of(stub.UpdateTag(change))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NEGATIVE_BESIDE_REGULAR_TAG")


async def test_update_changes_only_what_is_present(stub: Stub) -> None:
    """Name, description and type change one by one; an unspecified type is refused."""
    project_id = (await make_project(stub)).project_id
    tag_id = await make_tag(stub, project_id, "rose")
    ids: dict[str, Any] = {"project_id": project_id, "tag_id": tag_id}
    changed = await stub.UpdateTag(tags_pb2.UpdateTagRequest(**ids, description="red"))
    assert (changed.name, changed.description, changed.type) == ("rose", "red", tags_pb2.TAG_TYPE_REGULAR)
    negative = await stub.UpdateTag(tags_pb2.UpdateTagRequest(**ids, type=tags_pb2.TAG_TYPE_NEGATIVE))
    assert (negative.name, negative.type) == ("rose", tags_pb2.TAG_TYPE_NEGATIVE)
    assert (
        await refusal_of(stub.UpdateTag(tags_pb2.UpdateTagRequest(**ids, type=tags_pb2.TAG_TYPE_UNSPECIFIED)))
    ).fields == ["type"]
    assert await stub.GetTag(tags_pb2.GetTagRequest(**ids)) == negative


async def test_deleting_a_tag_leaves_its_images(stub: Stub) -> None:
    """The images stay, untagged, and the count of the others does not change."""
    project_id = (await make_project(stub)).project_id
    rose, tulip = [await make_tag(stub, project_id, name) for name in ("rose", "tulip")]
    await add_photos(stub, project_id, range(3), [rose])
    await add_photos(stub, project_id, range(3, 5), [tulip])
    await stub.DeleteTag(tags_pb2.DeleteTagRequest(project_id=project_id, tag_id=rose))
    images = await image_list(stub, project_id)
    assert [list(image.tag_ids) for image in images] == [[], [], [], [tulip], [tulip]]
    assert len(await image_list(stub, project_id, tagging_status=2)) == 3
    tag = await stub.GetTag(tags_pb2.GetTagRequest(project_id=project_id, tag_id=tulip))
    assert tag.image_count == 2


async def test_a_repeated_request_id_answers_the_same_tag(stub: Stub) -> None:
    """A retry does not stumble over the name it took itself."""
    project_id = (await make_project(stub)).project_id
    request = tags_pb2.CreateTagRequest(project_id=project_id, name="rose", request_id=MISSING)
    assert await stub.CreateTag(request) == await stub.CreateTag(request)


async def test_tags_of_another_project_are_not_found(stub: Stub) -> None:
    """A tag is found under its own project only."""
    one, other = [(await make_project(stub)).project_id for _ in range(2)]
    tag_id = await make_tag(stub, one, "rose")
    refusal = await refusal_of(stub.GetTag(tags_pb2.GetTagRequest(project_id=other, tag_id=tag_id)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "TAG_NOT_FOUND")
    assert refusal.metadata == {"tag_id": tag_id}


async def test_an_iteration_has_the_tags_and_counts_that_it_was_trained_on(stub: Stub) -> None:
    """Tags renamed, deleted and added since, and images that came or went, change nothing about an iteration's tags."""
    project_id, (dahlia, rose) = await make_trainable(stub)
    await make_tag(stub, project_id, "empty")
    before = list((await stub.ListTags(tags_pb2.ListTagsRequest(project_id=project_id))).tags)
    iteration_id = (await freeze(stub, project_id)).iteration_id
    await stub.UpdateTag(tags_pb2.UpdateTagRequest(project_id=project_id, tag_id=dahlia, name="Dahlie"))
    await stub.DeleteTag(tags_pb2.DeleteTagRequest(project_id=project_id, tag_id=rose))
    late = await make_tag(stub, project_id, "tulip")
    await add_photos(stub, project_id, [100], [dahlia])
    request = tags_pb2.ListTagsRequest(project_id=project_id, iteration_id=iteration_id, page_size=1)
    first = await stub.ListTags(request)
    request.page_token = first.next_page_token
    second = await stub.ListTags(request)
    assert [*first.tags, *second.tags] == before[:2]
    assert (not second.next_page_token, [tag.image_count for tag in before]) == (True, [5, 5, 0])
    get = tags_pb2.GetTagRequest(project_id=project_id, tag_id=rose, iteration_id=iteration_id)
    assert await stub.GetTag(get) == before[1]
    get.tag_id = late
    refusal = await refusal_of(stub.GetTag(get))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "TAG_NOT_IN_ITERATION")
    get.iteration_id = MISSING
    assert (await refusal_of(stub.GetTag(get))).reason == "ITERATION_NOT_FOUND"
    current = tags_pb2.ListTagsRequest(project_id=project_id, page_token=first.next_page_token)
    assert (await refusal_of(stub.ListTags(current))).reason == "PAGE_TOKEN_INVALID"
