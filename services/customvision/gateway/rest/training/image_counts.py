"""Counts of a project's images."""

from uuid import UUID

from fastapi import APIRouter

from customvision.gateway.rest.fields import ids
from customvision.gateway.rest.routing import routes_about
from customvision.gateway.rest.training.images import MAX_TAGS, STATUSES, Filter, IterationId, Status, TagIds
from customvision.gateway.services import Services
from customvision.v1 import images_pb2


def image_count_routes(services: Services) -> APIRouter:
    """Returns the routes that count images."""
    routes, project = routes_about("Images"), services.project

    async def counted(wanted: images_pb2.CountImagesRequest) -> int:
        return (await project.CountImages(wanted)).image_count

    @routes.get("/projects/{project_id}/images/count", operation_id="GetImageCount")
    async def get_image_count(
        project_id: UUID,
        iteration_id: IterationId = None,
        tagging_status: Status = "All",
        metadata_filter: Filter = "",
        tag_ids: TagIds = None,
    ) -> int:
        return await counted(
            images_pb2.CountImagesRequest(
                project_id=str(project_id),
                iteration_id=str(iteration_id or ""),
                tagging_status=STATUSES.meaning(tagging_status),
                filter=metadata_filter,
                tag_ids=ids(tag_ids, "tagIds", MAX_TAGS),
            )
        )

    @routes.get("/projects/{project_id}/images/tagged/count", operation_id="GetTaggedImageCount")
    async def get_tagged_image_count(project_id: UUID, iteration_id: IterationId = None, tag_ids: TagIds = None) -> int:
        return await counted(
            images_pb2.CountImagesRequest(
                project_id=str(project_id),
                iteration_id=str(iteration_id or ""),
                tagging_status=images_pb2.TAGGING_STATUS_TAGGED,
                tag_ids=ids(tag_ids, "tagIds", MAX_TAGS),
            )
        )

    @routes.get("/projects/{project_id}/images/untagged/count", operation_id="GetUntaggedImageCount")
    async def get_untagged_image_count(project_id: UUID, iteration_id: IterationId = None) -> int:
        return await counted(
            images_pb2.CountImagesRequest(
                project_id=str(project_id),
                iteration_id=str(iteration_id or ""),
                tagging_status=images_pb2.TAGGING_STATUS_UNTAGGED,
            )
        )

    return routes
