"""Tags of a project."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from customvision.gateway.api_errors import ApiError
from customvision.gateway.bodies import read_json
from customvision.gateway.rest.documented import body
from customvision.gateway.rest.models.tags import Tag, TagChange
from customvision.gateway.rest.pages import all_pages
from customvision.gateway.rest.routing import routes_about
from customvision.gateway.services import Services
from customvision.v1 import tags_pb2

TYPES = {"regular": tags_pb2.TAG_TYPE_REGULAR, "negative": tags_pb2.TAG_TYPE_NEGATIVE}
TYPE_NAMES = {tags_pb2.TAG_TYPE_REGULAR: "Regular", tags_pb2.TAG_TYPE_NEGATIVE: "Negative"}


def tag_routes(services: Services) -> APIRouter:
    """Returns the routes of tags."""
    routes, project = routes_about("Tags"), services.project

    @routes.get("/projects/{project_id}/tags", operation_id="GetTags")
    async def get_tags(
        project_id: UUID, iteration_id: Annotated[UUID | None, Query(alias="iterationId")] = None
    ) -> list[Tag]:
        request = tags_pb2.ListTagsRequest(project_id=str(project_id), iteration_id=str(iteration_id or ""))
        return [_tag(tag) async for tag in all_pages(project.ListTags, request, "tags")]

    @routes.post("/projects/{project_id}/tags", operation_id="CreateTag")
    async def create_tag(
        project_id: UUID, name: str, description: str = "", tag_type: Annotated[str, Query(alias="type")] = "Regular"
    ) -> Tag:
        request = tags_pb2.CreateTagRequest(
            project_id=str(project_id), name=name, description=description, type=_type(tag_type)
        )
        return _tag(await project.CreateTag(request))

    @routes.get("/projects/{project_id}/tags/{tag_id}", operation_id="GetTag")
    async def get_tag(
        project_id: UUID, tag_id: UUID, iteration_id: Annotated[UUID | None, Query(alias="iterationId")] = None
    ) -> Tag:
        request = tags_pb2.GetTagRequest(
            project_id=str(project_id), tag_id=str(tag_id), iteration_id=str(iteration_id or "")
        )
        return _tag(await project.GetTag(request))

    @routes.patch("/projects/{project_id}/tags/{tag_id}", operation_id="UpdateTag", openapi_extra=body(TagChange))
    async def update_tag(project_id: UUID, tag_id: UUID, request: Request) -> Tag:
        change = await read_json(request, TagChange)
        update = tags_pb2.UpdateTagRequest(
            project_id=str(project_id),
            tag_id=str(tag_id),
            name=change.name,
            description=change.description,
            type=None if change.type is None else _type(change.type),
        )
        return _tag(await project.UpdateTag(update))

    @routes.delete("/projects/{project_id}/tags/{tag_id}", operation_id="DeleteTag", status_code=204)
    async def delete_tag(project_id: UUID, tag_id: UUID) -> Response:
        await project.DeleteTag(tags_pb2.DeleteTagRequest(project_id=str(project_id), tag_id=str(tag_id)))
        return Response(status_code=204)

    return routes


def _type(name: str) -> tags_pb2.TagType.ValueType:
    found = TYPES.get(name.lower())
    if found is None:
        raise ApiError("BadRequestTagType", f"There is no tag type '{name[:64]}'; there are Regular and Negative.")
    return found


def _tag(tag: tags_pb2.Tag) -> Tag:
    return Tag(
        id=UUID(tag.tag_id),
        name=tag.name,
        description=tag.description or None,
        type=TYPE_NAMES[tag.type],
        image_count=tag.image_count,
    )
