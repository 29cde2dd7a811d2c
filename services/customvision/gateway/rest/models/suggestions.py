"""Suggested tags in JSON."""

from uuid import UUID

from customvision.gateway.rest.models.base import ApiModel
from customvision.gateway.rest.models.predictions import ImagePrediction


class SuggestedTagAndRegion(ImagePrediction):
    """What a model suggests for an untagged image, by the image's id."""

    prediction_uncertainty: float


class StoredSuggestedTagAndRegion(SuggestedTagAndRegion):
    """A kept suggestion with its image."""

    width: int
    height: int
    resized_image_uri: str
    thumbnail_uri: str
    original_image_uri: str
    domain: UUID | None


class TagFilter(ApiModel):
    """Selects suggestions of which any of these tags reaches the threshold."""

    tag_ids: list[UUID] | None = None
    threshold: float | None = None


class SuggestedTagAndRegionQueryToken(TagFilter):
    """A query, and how far it has come: null as ``continuation`` of an answer says that there is no more."""

    session: str | None = None
    continuation: str | None = None
    max_count: int | None = None
    sort_by: str | None = None


class SuggestedTagAndRegionQuery(ApiModel):
    """One page of kept suggestions, and the token of the next."""

    token: SuggestedTagAndRegionQueryToken
    results: list[StoredSuggestedTagAndRegion]
