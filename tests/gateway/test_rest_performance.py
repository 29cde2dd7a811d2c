"""Held-out images over the REST API, on a real project service and scripted results."""

import httpx
import pytest

from customvision.v1 import images_pb2, stored_predictions_pb2, training_service_pb2
from project_calls import add_photos, complete, freeze, make_trainable
from running_gateway import MISSING, ServedGateway, refused
from scripted_server import ScriptedCall


class HeldOutImages:
    """A training service that answers with these results, whatever is asked."""

    def __init__(self) -> None:
        self.results: list[training_service_pb2.ImageResult] = []
        self.requests: list[training_service_pb2.ListImageResultsRequest] = []

    @property
    def asked(self) -> training_service_pb2.ListImageResultsRequest:
        """The last request."""
        return self.requests[-1]

    def answer(self, call: ScriptedCall) -> training_service_pb2.ListImageResultsResponse:
        """Answers a request."""
        self.requests.append(call.request)
        page = self.results[: call.request.page_size]
        return training_service_pb2.ListImageResultsResponse(results=page, total_count=len(self.results))


@pytest.fixture
def held_out(served: ServedGateway) -> HeldOutImages:
    """A training service with results."""
    images = HeldOutImages()
    served.scripted.answer({"ListImageResults": images.answer})
    return images


def result(image_id: str, tag_ids: list[str]) -> training_service_pb2.ImageResult:
    """Returns a result that is sure of the first tag."""
    probabilities = [
        stored_predictions_pb2.TagProbability(tag_id=tag_id, tag_name=f"tag {tag_id[:4]}", probability=probability)
        for tag_id, probability in zip(tag_ids, (0.875, 0.125), strict=True)
    ]
    return training_service_pb2.ImageResult(image_id=image_id, tag_ids=tag_ids[:1], predictions=probabilities)


async def trained(served: ServedGateway) -> tuple[str, list[str], images_pb2.Image]:
    """Makes a project with a completed iteration; returns the path of its images' results, its tags and an image."""
    project_id, tag_ids = await make_trainable(served.project)
    (image,) = await add_photos(served.project, project_id, [77], [tag_ids[0]])
    iteration = await complete(served.project, await freeze(served.project, project_id))
    return f"/projects/{project_id}/iterations/{iteration.iteration_id}/performance/images", tag_ids, image


async def test_held_out_images_come_with_answers_and_links(
    served_api: httpx.AsyncClient, served: ServedGateway, held_out: HeldOutImages
) -> None:
    """Each held-out image has its answers, likeliest first, its tags, its size and two links; no regions."""
    path, tag_ids, image = await trained(served)
    held_out.results = [result(image.image_id, tag_ids)]
    (told,) = (await served_api.get(path)).json()
    assert set(told) == {"predictions", "id", "created", "width", "height", "imageUri", "thumbnailUri", "tags"}
    assert (told["id"], told["width"], told["height"]) == (image.image_id, 96, 72)
    assert told["predictions"][0] == {
        "probability": 0.875,
        "tagId": tag_ids[0],
        "tagName": f"tag {tag_ids[0][:4]}",
        "tagType": "Regular",
    }
    assert [(tag["tagId"], tag["tagName"]) for tag in told["tags"]] == [(tag_ids[0], "dahlia")]
    assert told["imageUri"].startswith(f"http://127.0.0.1:{served_api.base_url.port}/blobs/")
    assert told["thumbnailUri"] != told["imageUri"]


async def test_images_are_told_as_they_were_learned_from(
    served_api: httpx.AsyncClient, served: ServedGateway, held_out: HeldOutImages
) -> None:
    """An image that was retagged, or taken out of the project, since then keeps the tags that the figures rest on."""
    path, tag_ids, image = await trained(served)
    held_out.results = [result(image.image_id, tag_ids)]
    before = (await served_api.get(path)).json()
    deletion = images_pb2.DeleteImagesRequest(project_id=image.project_id, image_ids=[image.image_id])
    await served.project.DeleteImages(deletion)
    assert (await served_api.get(path)).json() == before


async def test_of_a_deleted_image_the_answer_is_left(
    served_api: httpx.AsyncClient, served: ServedGateway, held_out: HeldOutImages
) -> None:
    """An image that is nowhere any more does not spoil the list."""
    path, tag_ids, _ = await trained(served)
    held_out.results = [result(MISSING, tag_ids)]
    (told,) = (await served_api.get(path)).json()
    assert set(told) == {"predictions", "id"}


async def test_pages_orders_and_tags_reach_the_service(
    served_api: httpx.AsyncClient, served: ServedGateway, held_out: HeldOutImages
) -> None:
    """take, skip, orderBy and tagIds are passed on; the default is the newest fifty."""
    path, tag_ids, _ = await trained(served)
    await served_api.get(path)
    assert (held_out.asked.page_size, held_out.asked.skip) == (50, 0)
    assert held_out.asked.order == training_service_pb2.IMAGE_RESULT_ORDER_NEWEST_FIRST
    query = {"take": "7", "skip": "3", "orderBy": "Oldest", "tagIds": ",".join(tag_ids)}
    await served_api.get(path, params=query)
    assert (held_out.asked.page_size, held_out.asked.skip) == (7, 3)
    assert held_out.asked.order == training_service_pb2.IMAGE_RESULT_ORDER_OLDEST_FIRST
    assert list(held_out.asked.tag_ids) == tag_ids


async def test_taking_none_answers_none(
    served_api: httpx.AsyncClient, served: ServedGateway, held_out: HeldOutImages
) -> None:
    """take=0 is an empty list, not the service's own default."""
    path, tag_ids, image = await trained(served)
    held_out.results = [result(image.image_id, tag_ids)]
    assert (await served_api.get(path, params={"take": "0"})).json() == []


async def test_held_out_images_are_counted(
    served_api: httpx.AsyncClient, served: ServedGateway, held_out: HeldOutImages
) -> None:
    """The count is a bare number, of all pages."""
    path, tag_ids, image = await trained(served)
    held_out.results = [result(image.image_id, tag_ids)] * 3
    answer = await served_api.get(f"{path}/count", params={"tagIds": tag_ids[0]})
    assert (answer.status_code, answer.text) == (200, "3")
    assert list(held_out.asked.tag_ids) == tag_ids[:1]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"take": "257"}, "BadRequestInvalid"),
        ({"take": "-1"}, "BadRequestInvalid"),
        ({"skip": "99999999999"}, "BadRequestInvalid"),
        ({"orderBy": "Best"}, "BadRequestInvalid"),
        ({"tagIds": "rose"}, "BadRequestInvalidIds"),
        ({"tagIds": ",".join([MISSING] * 21)}, "BadRequestExceededBatchSize"),
    ],
)
async def test_lists_out_of_bounds_are_refused(
    served_api: httpx.AsyncClient,
    served: ServedGateway,
    held_out: HeldOutImages,
    query: dict[str, str],
    code: str,
) -> None:
    """What goes past the API's limits is refused before any service is asked."""
    path, _, _ = await trained(served)
    refused(await served_api.get(path, params=query), 400, code)
    assert held_out.requests == []
