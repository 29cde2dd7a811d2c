"""Predictions in JSON."""

from datetime import datetime
from uuid import UUID

from customvision.gateway.rest.models.base import ApiModel, Time


class Prediction(ApiModel):
    """How likely one tag is. ``tagType`` is absent where the tag is gone."""

    probability: float
    tag_id: UUID
    tag_name: str | None
    tag_type: str | None = None


class ImagePrediction(ApiModel):
    """What a model answers to an image, the likeliest tag first."""

    id: UUID
    project: UUID
    iteration: UUID
    created: Time
    predictions: list[Prediction]


class StoredImagePrediction(ImagePrediction):
    """An answer that was kept with its image."""

    resized_image_uri: str
    thumbnail_uri: str
    original_image_uri: str
    domain: UUID | None


class ImageUrl(ApiModel):
    """Where to fetch an image from."""

    url: str


class PredictionQueryTag(ApiModel):
    """Selects predictions by the probability of one tag."""

    id: UUID
    min_threshold: float | None = None
    max_threshold: float | None = None


class PredictionQueryToken(ApiModel):
    """A query, and how far it has come: null as ``continuation`` of an answer says that there is no more."""

    session: str | None = None
    continuation: str | None = None
    max_count: int | None = None
    order_by: str | None = None
    tags: list[PredictionQueryTag] | None = None
    iteration_id: UUID | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    application: str | None = None


class PredictionQueryResult(ApiModel):
    """One page of kept answers, and the token of the next."""

    token: PredictionQueryToken
    results: list[StoredImagePrediction]
