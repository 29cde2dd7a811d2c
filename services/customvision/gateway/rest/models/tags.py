"""Tags in JSON."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from customvision.gateway.rest.models.base import ApiModel
from customvision.gateway.rest.words import Words
from customvision.v1 import tags_pb2

TAG_TYPES = Words(
    "tag type",
    {"Regular": tags_pb2.TAG_TYPE_REGULAR, "Negative": tags_pb2.TAG_TYPE_NEGATIVE},
    code="BadRequestTagType",
)
TagTypeWord = Annotated[str, Field(json_schema_extra=TAG_TYPES.schema)]


class Tag(ApiModel):
    """A tag; ``description`` is null where there is none."""

    id: UUID
    name: str
    description: str | None
    type: TagTypeWord
    image_count: int


class TagChange(ApiModel):
    """What PATCH may change; what is left out stays."""

    name: str | None = None
    description: str | None = None
    type: TagTypeWord | None = None


def tag_of(tag: tags_pb2.Tag) -> Tag:
    """Returns a tag as the API tells it."""
    return Tag(
        id=UUID(tag.tag_id),
        name=tag.name,
        description=tag.description or None,
        type=TAG_TYPES.word(tag.type),
        image_count=tag.image_count,
    )
