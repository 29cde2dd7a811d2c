"""Lists of a project's images."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from customvision.gateway.links import Links
from customvision.gateway.rest.fields import ids
from customvision.gateway.rest.image_answers import image_answer
from customvision.gateway.rest.models.images import Image
from customvision.gateway.rest.routing import routes_about
from customvision.gateway.rest.words import Words
from customvision.gateway.services import Services
from customvision.v1 import images_pb2

MAX_TAKE = 256
MAX_TAGS = 20
STATUSES = Words(
    "tagging status",
    {
        "All": images_pb2.TAGGING_STATUS_UNSPECIFIED,
        "Tagged": images_pb2.TAGGING_STATUS_TAGGED,
        "Untagged": images_pb2.TAGGING_STATUS_UNTAGGED,
    },
)
ORDERS = Words(
    "order of images",
    {"Newest": images_pb2.IMAGE_ORDER_NEWEST_FIRST, "Oldest": images_pb2.IMAGE_ORDER_OLDEST_FIRST},
)

IterationId = Annotated[UUID | None, Query(alias="iterationId")]
TagIds = Annotated[str | None, Query(alias="tagIds", description="Ids, parted by commas.")]
Filter = Annotated[str, Query(alias="$filter", description="Such as: key1 eq 'a' and key2 ne 'b'.")]
Status = Annotated[str, Query(alias="taggingStatus", json_schema_extra=STATUSES.schema)]
Order = Annotated[str, Query(alias="orderBy", json_schema_extra=ORDERS.schema)]
Take = Annotated[int, Query(ge=0, le=MAX_TAKE)]
Skip = Annotated[int, Query(ge=0, lt=2**31)]


def image_routes(services: Services, links: Links) -> APIRouter:
    """Returns the routes that list images."""
    routes, project = routes_about("Images"), services.project

    async def listed(request: Request, wanted: images_pb2.ListImagesRequest, take: int) -> list[Image]:
        if not take:
            return []
        wanted.page_size = take
        return [image_answer(image, request, links) for image in (await project.ListImages(wanted)).images]

    @routes.get("/projects/{project_id}/images", operation_id="GetImages")
    async def get_images(
        request: Request,
        project_id: UUID,
        iteration_id: IterationId = None,
        tag_ids: TagIds = None,
        metadata_filter: Filter = "",
        tagging_status: Status = "All",
        order_by: Order = "Newest",
        take: Take = 50,
        skip: Skip = 0,
    ) -> list[Image]:
        wanted = images_pb2.ListImagesRequest(
            project_id=str(project_id),
            iteration_id=str(iteration_id or ""),
            tag_ids=ids(tag_ids, "tagIds", MAX_TAGS),
            filter=metadata_filter,
            tagging_status=STATUSES.meaning(tagging_status),
            order=ORDERS.meaning(order_by),
            skip=skip,
        )
        return await listed(request, wanted, take)

    @routes.get("/projects/{project_id}/images/tagged", operation_id="GetTaggedImages")
    async def get_tagged_images(
        request: Request,
        project_id: UUID,
        iteration_id: IterationId = None,
        tag_ids: TagIds = None,
        order_by: Order = "Newest",
        take: Take = 50,
        skip: Skip = 0,
    ) -> list[Image]:
        wanted = images_pb2.ListImagesRequest(
            project_id=str(project_id),
            iteration_id=str(iteration_id or ""),
            tag_ids=ids(tag_ids, "tagIds", MAX_TAGS),
            tagging_status=images_pb2.TAGGING_STATUS_TAGGED,
            order=ORDERS.meaning(order_by),
            skip=skip,
        )
        return await listed(request, wanted, take)

    @routes.get("/projects/{project_id}/images/untagged", operation_id="GetUntaggedImages")
    async def get_untagged_images(
        request: Request,
        project_id: UUID,
        iteration_id: IterationId = None,
        order_by: Order = "Newest",
        take: Take = 50,
        skip: Skip = 0,
    ) -> list[Image]:
        wanted = images_pb2.ListImagesRequest(
            project_id=str(project_id),
            iteration_id=str(iteration_id or ""),
            tagging_status=images_pb2.TAGGING_STATUS_UNTAGGED,
            order=ORDERS.meaning(order_by),
            skip=skip,
        )
        return await listed(request, wanted, take)

    @routes.get("/projects/{project_id}/images/id", operation_id="GetImagesByIds")
    async def get_images_by_ids(
        request: Request,
        project_id: UUID,
        image_ids: Annotated[str | None, Query(alias="imageIds", description="Ids, parted by commas.")] = None,
        iteration_id: IterationId = None,
    ) -> list[Image]:
        places = {image_id: place for place, image_id in enumerate(ids(image_ids, "imageIds", MAX_TAKE))}
        wanted = images_pb2.ListImagesRequest(
            project_id=str(project_id), iteration_id=str(iteration_id or ""), image_ids=places
        )
        found = await listed(request, wanted, len(places))
        return sorted(found, key=lambda image: places[str(image.id)])

    return routes
