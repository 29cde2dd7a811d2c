"""Lists, counts, metadata and deletion of images through the REST API."""

import uuid
from typing import Any

from customvision.v1 import images_pb2
from project_calls import MISSING, add_photos, image_list, make_project, make_tag, make_trainable
from running_gateway import TRAINING_API, ScriptedGateway, ServedGateway
from scripted_server import ScriptedCall

PROJECT, ITERATION, IMAGE = (str(uuid.uuid4()) for _ in range(3))


async def get(gateway: ServedGateway, project_id: str, path: str = "", **parameters: Any) -> Any:
    """Gets from below a project's images and returns the response."""
    return await gateway.client.get(f"{TRAINING_API}/projects/{project_id}/images{path}", params=parameters)


def image(number: int) -> images_pb2.Image:
    """Returns an image with a tag and metadata."""
    tag = images_pb2.ImageTag(tag_id=MISSING, tag_name="rose")
    return images_pb2.Image(
        image_id=str(uuid.UUID(int=number)), project_id=PROJECT, tags=[tag], metadata={"camera": "A"}
    )


async def test_lists_are_newest_first_and_go_on_by_skip(served: ServedGateway) -> None:
    """Without orderBy the newest come first; take and skip walk through all; tagged and untagged part them."""
    project_id = (await make_project(served.project)).project_id
    tag_id = await make_tag(served.project, project_id, "rose")
    tagged = [each.image_id for each in await add_photos(served.project, project_id, range(3), [tag_id])]
    untagged = [each.image_id for each in await add_photos(served.project, project_id, range(3, 5))]
    newest_first = [*untagged[::-1], *tagged[::-1]]

    async def listed(path: str = "", **parameters: Any) -> list[str]:
        answer = await get(served, project_id, path, **parameters)
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()]

    assert await listed() == newest_first
    assert await listed(orderBy="oldest") == newest_first[::-1]
    assert (
        await listed("/tagged") == tagged[::-1] == await listed(taggingStatus="Tagged") == await listed(tagIds=tag_id)
    )
    assert await listed("/untagged", orderBy="Oldest") == untagged
    assert await listed(take=0) == []
    assert await listed(take=2) + await listed(take=2, skip=2) + await listed(take=2, skip=4) == newest_first
    assert await listed("/id", imageIds=f"{tagged[1]},{untagged[0]},{MISSING}") == [tagged[1], untagged[0]]
    assert await listed("/id") == []
    counts = [(await get(served, project_id, path)).text for path in ("/count", "/tagged/count", "/untagged/count")]
    assert counts == ["5", "3", "2"]


async def test_images_tell_their_tags_and_metadata(served: ServedGateway) -> None:
    """Tags with name and time, and metadata, are told where an image has them; $filter and SDK spellings are read."""
    project_id = (await make_project(served.project)).project_id
    tag_id = await make_tag(served.project, project_id, "rose")
    (added,) = await add_photos(served.project, project_id, [1], [tag_id])
    await add_photos(served.project, project_id, [2])
    path = f"{TRAINING_API}/projects/{project_id}/images/metadata"
    chosen = {"imageIds": f"{added.image_id},{MISSING}"}
    answer = await served.client.post(path, params=chosen, json={"k": "v", "gone": None})
    assert answer.status_code == 207
    assert answer.json() == {
        "isBatchSuccessful": False,
        "images": [
            {"imageId": added.image_id, "status": "OK", "metadata": {"k": "v"}},
            {"imageId": MISSING, "status": "ErrorImageNotFound", "metadata": {}},
        ],
    }
    address = f"{TRAINING_API}/projects/{project_id}/images?$filter=k%20eq%20%27v%27"
    (found,) = (await served.client.get(address)).json()
    assert found["metadata"] == {"k": "v"}
    (tag,) = found["tags"]
    assert (tag["tagId"], tag["tagName"], tag["created"][-1]) == (tag_id, "rose", "Z")


async def test_every_parameter_of_a_list_reaches_the_service(scripted_gateway: ScriptedGateway) -> None:
    """What a client asks of a list or a count is what the project service is asked, word by word."""
    scripts = {
        "ListImages": lambda _: images_pb2.ListImagesResponse(images=[image(1)]),
        "CountImages": lambda _: images_pb2.CountImagesResponse(image_count=7),
    }
    asked: dict[str, Any] = {"iterationId": ITERATION, "tagIds": f"{MISSING}, {IMAGE}", "$filter": "a eq 'b'"}
    gateway = scripted_gateway(scripts)
    answer = await get(gateway, PROJECT, taggingStatus="untagged", orderBy="Oldest", take=256, skip=9, **asked)
    assert answer.json()[0]["metadata"] == {"camera": "A"}
    assert (await get(gateway, PROJECT, "/count", taggingStatus="Tagged", **asked)).json() == 7
    assert gateway.requests("ListImages") == [
        images_pb2.ListImagesRequest(
            project_id=PROJECT,
            iteration_id=ITERATION,
            tag_ids=[MISSING, IMAGE],
            filter="a eq 'b'",
            tagging_status=images_pb2.TAGGING_STATUS_UNTAGGED,
            order=images_pb2.IMAGE_ORDER_OLDEST_FIRST,
            page_size=256,
            skip=9,
        )
    ]
    assert gateway.requests("CountImages")[0].tagging_status == images_pb2.TAGGING_STATUS_TAGGED
    assert gateway.requests("CountImages")[0].filter == "a eq 'b'"


async def test_parameters_that_cannot_be_are_refused_by_name(scripted_gateway: ScriptedGateway) -> None:
    """Out of range, unknown words, too many and broken ids are 400 with a code and the parameter's name or word."""
    wrong: list[tuple[str, dict[str, Any], str, str]] = [
        ("", {"take": 257}, "BadRequestInvalid", "take"),
        ("", {"skip": -1}, "BadRequestInvalid", "skip"),
        ("", {"skip": 2**31}, "BadRequestInvalid", "skip"),
        ("", {"orderBy": "Sideways"}, "BadRequestInvalid", "Sideways"),
        ("", {"taggingStatus": "Half"}, "BadRequestInvalid", "Half"),
        ("", {"tagIds": ",".join([MISSING] * 21)}, "BadRequestExceededBatchSize", "tagIds"),
        ("", {"tagIds": "rose"}, "BadRequestInvalidIds", "tagIds"),
        ("/id", {"imageIds": ",".join([MISSING] * 257)}, "BadRequestExceededBatchSize", "imageIds"),
        ("", {"iterationId": "none"}, "BadRequestInvalid", "iterationId"),
    ]
    gateway = scripted_gateway({})
    for path, parameters, code, named in wrong:
        answer = await get(gateway, PROJECT, path, **parameters)
        assert (answer.status_code, answer.json()["code"]) == (400, code), parameters
        assert named in answer.json()["message"]


async def test_images_are_deleted_by_id_or_all(served: ServedGateway) -> None:
    """Ids answer 204, all images 202 as the API does; naming none changes nothing."""
    project_id, _ = await make_trainable(served.project)
    path = f"{TRAINING_API}/projects/{project_id}/images"
    first = (await image_list(served.project, project_id))[0].image_id
    assert (await served.client.delete(path)).json()["code"] == "BadRequestRequiredParamIsNull"
    assert (await served.client.delete(path, params={"imageIds": first})).status_code == 204
    assert len(await image_list(served.project, project_id)) == 9
    assert (await served.client.delete(path, params={"allImages": "true"})).status_code == 202
    assert await image_list(served.project, project_id) == []


async def test_deletion_from_all_iterations_is_passed_on(scripted_gateway: ScriptedGateway) -> None:
    """allIterations with ids is asked of the service as such, and answered with 202."""
    scripts = {"DeleteImages": lambda _: images_pb2.DeleteImagesResponse(deleted_count=1)}
    gateway = scripted_gateway(scripts)
    path = f"{TRAINING_API}/projects/{PROJECT}/images"
    answer = await gateway.client.delete(path, params={"imageIds": IMAGE, "allIterations": "True"})
    assert answer.status_code == 202
    wanted = images_pb2.DeleteImagesRequest(project_id=PROJECT, image_ids=[IMAGE], all_iterations=True)
    assert gateway.requests("DeleteImages") == [wanted]


async def test_metadata_of_older_versions_answer_200(scripted_gateway: ScriptedGateway) -> None:
    """Clients before 3.3 know no 207, also where an image could not be changed."""

    def update(call: ScriptedCall) -> images_pb2.UpdateImageMetadataResponse:
        status = images_pb2.IMAGE_METADATA_STATUS_ERROR_LIMIT
        result = images_pb2.ImageMetadataResult(image_id=call.request.image_ids[0], status=status)
        return images_pb2.UpdateImageMetadataResponse(results=[result])

    gateway = scripted_gateway({"UpdateImageMetadata": update})
    path = f"{TRAINING_API}/projects/{PROJECT}/images/metadata".replace("v3.4-preview", "v3.2")
    answer = await gateway.client.post(path, params={"imageIds": IMAGE}, json={"k": "v"})
    assert answer.status_code == 200
    assert answer.json()["images"][0]["status"] == "ErrorLimitExceed"
