"""The calls about tags."""

from typing import Any

from google.protobuf import empty_pb2

from customvision.project.domain.tag import Tag, TagType
from customvision.project.servicer.conversions import member_of, timestamp_of, value_of
from customvision.project.use_cases.pages import PageRequest
from customvision.project.use_cases.tags import Tags
from customvision.v1 import tags_pb2


class TagMethods:
    """Translates the calls about tags."""

    _tags: Tags

    async def CreateTag(self, request: tags_pb2.CreateTagRequest, context: Any) -> tags_pb2.Tag:
        """Creates a tag."""
        tag = await self._tags.create(
            request.project_id,
            name=request.name,
            description=request.description,
            type=member_of(TagType, tags_pb2.TagType, request.type, field="type", default=TagType.REGULAR),
            request_id=request.request_id,
        )
        return tag_message(tag)

    async def GetTag(self, request: tags_pb2.GetTagRequest, context: Any) -> tags_pb2.Tag:
        """Returns a tag."""
        return tag_message(await self._tags.get(request.project_id, request.tag_id, iteration_id=request.iteration_id))

    async def ListTags(self, request: tags_pb2.ListTagsRequest, context: Any) -> tags_pb2.ListTagsResponse:
        """Returns one page of a project's tags."""
        page = await self._tags.page(
            request.project_id, PageRequest(request.page_size, request.page_token), iteration_id=request.iteration_id
        )
        return tags_pb2.ListTagsResponse(tags=map(tag_message, page.items), next_page_token=page.next_page_token)

    async def UpdateTag(self, request: tags_pb2.UpdateTagRequest, context: Any) -> tags_pb2.Tag:
        """Changes the fields that are present."""
        tag = await self._tags.update(
            request.project_id,
            request.tag_id,
            name=request.name if request.HasField("name") else None,
            description=request.description if request.HasField("description") else None,
            type=member_of(TagType, tags_pb2.TagType, request.type, field="type") if request.HasField("type") else None,
        )
        return tag_message(tag)

    async def DeleteTag(self, request: tags_pb2.DeleteTagRequest, context: Any) -> empty_pb2.Empty:
        """Deletes a tag."""
        await self._tags.delete(request.project_id, request.tag_id)
        return empty_pb2.Empty()


def tag_message(tag: Tag) -> tags_pb2.Tag:
    """Returns the message of a tag."""
    return tags_pb2.Tag(
        tag_id=tag.tag_id,
        project_id=tag.project_id,
        name=tag.name,
        description=tag.description,
        type=value_of(tags_pb2.TagType, tag.type),
        image_count=tag.image_count,
        create_time=timestamp_of(tag.create_time),
    )
