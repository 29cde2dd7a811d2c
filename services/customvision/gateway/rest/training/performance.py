"""How iterations do on images that they did not learn from."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from customvision.gateway.api_errors import told_as
from customvision.gateway.links import Links
from customvision.gateway.rest.fields import ids
from customvision.gateway.rest.image_answers import image_answer
from customvision.gateway.rest.models.performance import (
    ImagePerformance,
    IterationPerformance,
    image_performance_of,
    performance_of,
)
from customvision.gateway.rest.routing import routes_about
from customvision.gateway.rest.words import Words
from customvision.gateway.services import Services
from customvision.gateway.tag_types import TagTypes
from customvision.v1 import images_pb2, training_service_pb2

PATH = "/projects/{project_id}/iterations/{iteration_id}/performance"
CODES = {"THRESHOLD_INVALID": "BadRequestInvalid", "TAG_NOT_IN_ITERATION": "NotFoundTag"}
MAX_TAGS, MAX_TAKE, MAX_SKIP = 20, 256, 2**31 - 1
ORDERS = Words(
    "order",
    {
        "Newest": training_service_pb2.IMAGE_RESULT_ORDER_NEWEST_FIRST,
        "Oldest": training_service_pb2.IMAGE_RESULT_ORDER_OLDEST_FIRST,
    },
)
TagIds = Annotated[str | None, Query(alias="tagIds", description="Ids of at most 20 tags, parted by commas.")]
OverlapThreshold = Annotated[
    float | None, Query(alias="overlapThreshold", description="Of object detection; makes no difference.")
]


def performance_routes(services: Services, links: Links, tag_types: TagTypes) -> APIRouter:
    """Returns the routes about how iterations do."""
    routes, training = routes_about("Performance"), services.training

    @routes.get(PATH, operation_id="GetIterationPerformance")
    async def get_iteration_performance(
        project_id: UUID, iteration_id: UUID, threshold: float = 0.5, _overlap_threshold: OverlapThreshold = None
    ) -> IterationPerformance:
        """Returns precision, recall and average precision; a tag counts as found from the threshold on."""
        request = training_service_pb2.GetPerformanceRequest(
            project_id=str(project_id), iteration_id=str(iteration_id), threshold=threshold
        )
        with told_as(CODES):
            return performance_of(await training.GetPerformance(request))

    @routes.get(f"{PATH}/images", operation_id="GetImagePerformances")
    async def get_image_performances(
        project_id: UUID,
        iteration_id: UUID,
        request: Request,
        tag_ids: TagIds = None,
        order_by: Annotated[str, Query(alias="orderBy", json_schema_extra=ORDERS.schema)] = "Newest",
        take: Annotated[int, Query(ge=0, le=MAX_TAKE)] = 50,
        skip: Annotated[int, Query(ge=0, le=MAX_SKIP)] = 0,
    ) -> list[ImagePerformance]:
        """Lists what the iteration answers to its held-out images."""
        asked = training_service_pb2.ListImageResultsRequest(
            project_id=str(project_id),
            iteration_id=str(iteration_id),
            # The contract's 0 means its default.
            page_size=take or 1,
            tag_ids=ids(tag_ids, "tagIds", MAX_TAGS),
            skip=skip,
            order=ORDERS.meaning(order_by),
        )
        with told_as(CODES):
            results = (await training.ListImageResults(asked)).results[:take]
        images = await _images(services, asked, [result.image_id for result in results])
        told = {image_id: image_answer(image, request, links) for image_id, image in images.items()}
        types = await tag_types.of(str(project_id))
        return [image_performance_of(result, told.get(result.image_id), types) for result in results]

    @routes.get(f"{PATH}/images/count", operation_id="GetImagePerformanceCount")
    async def get_image_performance_count(project_id: UUID, iteration_id: UUID, tag_ids: TagIds = None) -> int:
        """Counts the held-out images."""
        asked = training_service_pb2.ListImageResultsRequest(
            project_id=str(project_id),
            iteration_id=str(iteration_id),
            page_size=1,
            tag_ids=ids(tag_ids, "tagIds", MAX_TAGS),
        )
        with told_as(CODES):
            return (await training.ListImageResults(asked)).total_count

    return routes


async def _images(
    services: Services, asked: training_service_pb2.ListImageResultsRequest, image_ids: list[str]
) -> dict[str, images_pb2.Image]:
    """Returns the images by id as they were in the iteration's data set, without those that are gone for good."""
    if not image_ids:
        return {}
    request = images_pb2.ListImagesRequest(
        project_id=asked.project_id,
        iteration_id=asked.iteration_id,
        image_ids=image_ids,
        page_size=len(image_ids),
    )
    return {image.image_id: image for image in (await services.project.ListImages(request)).images}
