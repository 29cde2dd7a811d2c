"""Tags given to images and taken away through the REST API."""

from typing import Any

from project_calls import MISSING, add_photos, image_list, make_project, make_tag
from running_gateway import TRAINING_API, ServedGateway

Pairs = list[tuple[str, str]]


async def give(gateway: ServedGateway, project_id: str, pairs: Pairs) -> Any:
    """Gives tags pair by pair and returns the response."""
    entries = [{"imageId": image_id, "tagId": tag_id} for image_id, tag_id in pairs]
    return await gateway.client.post(f"{TRAINING_API}/projects/{project_id}/images/tags", json={"tags": entries})


def told(answer: Any) -> dict[str, Pairs]:
    """Returns the pairs of a summary."""
    assert answer.status_code == 200, answer.text
    summary = answer.json().items()
    return {kind: [(entry["imageId"], entry["tagId"]) for entry in entries] for kind, entries in summary}


async def test_pairs_are_told_as_new_held_or_too_many(served: ServedGateway) -> None:
    """In a multiclass project the first tag of an image is created, it again duplicated, a second one exceeded."""
    project_id = (await make_project(served.project)).project_id
    rose, dahlia = [await make_tag(served.project, project_id, name) for name in ("rose", "dahlia")]
    (held,) = await add_photos(served.project, project_id, [0], [rose])
    bare, other = await add_photos(served.project, project_id, [1, 2])
    pairs = [
        (held.image_id, rose),
        (held.image_id, dahlia),
        (bare.image_id, dahlia),
        (bare.image_id, dahlia),
        (other.image_id, rose),
        (other.image_id, dahlia),
    ]
    summary = told(await give(served, project_id, pairs))
    assert summary["created"] == [pairs[2], pairs[4]]
    assert sorted(summary["duplicated"]) == sorted([pairs[0], pairs[2]])
    assert summary["exceeded"] == [pairs[1], pairs[5]]
    assert [list(each.tag_ids) for each in await image_list(served.project, project_id)] == [
        [rose],
        [dahlia],
        [rose],
    ]


async def test_multilabel_images_take_every_pair_but_none_beside_the_negative_tag(served: ServedGateway) -> None:
    """Many tags go on many images in one call; a regular tag beside the negative one is told as exceeded."""
    project_id = (await make_project(served.project, multilabel=True)).project_id
    tags = [await make_tag(served.project, project_id, name) for name in ("rose", "dahlia")]
    none = await make_tag(served.project, project_id, "none", negative=True)
    images = [each.image_id for each in await add_photos(served.project, project_id, range(3))]
    pairs = [(image_id, tag_id) for image_id in images for tag_id in tags]
    assert told(await give(served, project_id, pairs))["created"] == pairs
    assert told(await give(served, project_id, [(images[0], none)]))["exceeded"] == [(images[0], none)]


async def test_what_is_not_there_changes_nothing(served: ServedGateway) -> None:
    """A pair of an unknown image or tag refuses the call before any tag is given; so does an empty or endless list."""
    project_id = (await make_project(served.project)).project_id
    rose = await make_tag(served.project, project_id, "rose")
    (image,) = await add_photos(served.project, project_id, [0])
    good = (image.image_id, rose)
    for pairs, status, code in (
        ([good, (MISSING, rose)], 404, "NotFoundImage"),
        ([good, (image.image_id, MISSING)], 404, "NotFoundTag"),
        ([], 400, "BadRequestRequiredParamIsNull"),
        ([good] * 1281, 400, "BadRequestExceededBatchSize"),
    ):
        answer = await give(served, project_id, pairs)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not (await image_list(served.project, project_id))[0].tag_ids


async def test_tags_are_taken_away(served: ServedGateway) -> None:
    """DeleteImageTags takes every tag from every image that it names."""
    project_id = (await make_project(served.project)).project_id
    rose = await make_tag(served.project, project_id, "rose")
    images = [each.image_id for each in await add_photos(served.project, project_id, range(2), [rose])]
    path = f"{TRAINING_API}/projects/{project_id}/images/tags"
    answer = await served.client.delete(path, params={"imageIds": ",".join(images), "tagIds": rose})
    assert (answer.status_code, answer.content) == (204, b"")
    assert not any(each.tag_ids for each in await image_list(served.project, project_id))
    answer = await served.client.delete(path, params={"imageIds": images[0]})
    assert answer.json()["code"] == "BadRequestRequiredParamIsNull"
