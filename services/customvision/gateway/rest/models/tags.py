"""Tags in JSON."""

from uuid import UUID

from customvision.gateway.rest.models.base import ApiModel


class Tag(ApiModel):
    """A tag: ``type`` is Regular or Negative."""

    id: UUID
    name: str
    description: str | None
    type: str
    image_count: int


class TagChange(ApiModel):
    """What PATCH may change; what is left out stays."""

    name: str | None = None
    description: str | None = None
    type: str | None = None
