"""Tags of a project."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from customvision.gateway.api_errors import told_as
from customvision.gateway.bodies import read_json
from customvision.gateway.rest.documented import body
from customvision.gateway.rest.models.tags import TAG_TYPES, Tag, TagChange, tag_of
from customvision.gateway.rest.pages import all_pages
from customvision.gateway.rest.routing import routes_about
from customvision.gateway.services import Services
from customvision.v1 import tags_pb2

IterationId = Annotated[UUID | None, Query(alias="iterationId", description="As the tags were in its data set.")]
TagType = Annotated[str, Query(alias="type", json_schema_extra=TAG_TYPES.schema)]
CODES = {"NAME_INVALID": "BadRequestTagName", "TEXT_TOO_LONG": "BadRequestTagDescription"}


def tag_routes(services: Services) -> APIRouter:
    """Returns the routes of tags."""
    routes, project = routes_about("Tags"), services.project

    @routes.get("/projects/{project_id}/tags", operation_id="GetTags")
    async def get_tags(project_id: UUID, iteration_id: IterationId = None) -> list[Tag]:
        """Lists the tags of the project, or of the data set of an iteration."""
        request = tags_pb2.ListTagsRequest(project_id=str(project_id), iteration_id=str(iteration_id or ""))
        return [tag_of(tag) async for tag in all_pages(project.ListTags, request, "tags")]

    @routes.post("/projects/{project_id}/tags", operation_id="CreateTag")
    async def create_tag(project_id: UUID, name: str, description: str = "", tag_type: TagType = "Regular") -> Tag:
        """Creates a tag."""
        request = tags_pb2.CreateTagRequest(
            project_id=str(project_id), name=name, description=description, type=TAG_TYPES.meaning(tag_type)
        )
        with told_as(CODES):
            return tag_of(await project.CreateTag(request))

    @routes.get("/projects/{project_id}/tags/{tag_id}", operation_id="GetTag")
    async def get_tag(project_id: UUID, tag_id: UUID, iteration_id: IterationId = None) -> Tag:
        """Returns one tag."""
        request = tags_pb2.GetTagRequest(
            project_id=str(project_id), tag_id=str(tag_id), iteration_id=str(iteration_id or "")
        )
        return tag_of(await project.GetTag(request))

    @routes.patch("/projects/{project_id}/tags/{tag_id}", operation_id="UpdateTag", openapi_extra=body(TagChange))
    async def update_tag(project_id: UUID, tag_id: UUID, request: Request) -> Tag:
        """Changes what the body holds."""
        change = await read_json(request, TagChange)
        update = tags_pb2.UpdateTagRequest(
            project_id=str(project_id),
            tag_id=str(tag_id),
            name=change.name,
            description=change.description,
            type=None if change.type is None else TAG_TYPES.meaning(change.type),
        )
        with told_as(CODES):
            return tag_of(await project.UpdateTag(update))

    @routes.delete("/projects/{project_id}/tags/{tag_id}", operation_id="DeleteTag", status_code=204)
    async def delete_tag(project_id: UUID, tag_id: UUID) -> Response:
        """Deletes a tag; its images stay."""
        await project.DeleteTag(tags_pb2.DeleteTagRequest(project_id=str(project_id), tag_id=str(tag_id)))
        return Response(status_code=204)

    return routes
