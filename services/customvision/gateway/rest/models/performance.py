"""How iterations do, in JSON."""

from collections.abc import Mapping
from uuid import UUID

from customvision.gateway.rest.models.base import ApiModel, Time
from customvision.gateway.rest.models.images import Image, ImageTag
from customvision.gateway.rest.models.predictions import Prediction
from customvision.v1 import stored_predictions_pb2, training_service_pb2


class TagPerformance(ApiModel):
    """How an iteration does on one tag; every figure is 0 to 1."""

    id: UUID
    name: str
    precision: float
    precision_std_deviation: float
    recall: float
    recall_std_deviation: float
    average_precision: float | None


class IterationPerformance(ApiModel):
    """How an iteration does on images that it did not learn from; every figure is 0 to 1.

    Deviations are those of the share of right answers over the folds of cross-validation, 0 where there were none.
    """

    per_tag_performance: list[TagPerformance]
    precision: float
    precision_std_deviation: float
    recall: float
    recall_std_deviation: float
    average_precision: float | None


class ImagePerformance(ApiModel):
    """What an iteration answers to one held-out image; of an image that was deleted only the answer is left."""

    predictions: list[Prediction]
    id: UUID
    created: Time | None = None
    width: int | None = None
    height: int | None = None
    image_uri: str | None = None
    thumbnail_uri: str | None = None
    tags: list[ImageTag] | None = None


def performance_of(performance: training_service_pb2.IterationPerformance) -> IterationPerformance:
    """Returns an iteration's figures as the API tells them."""
    overall, deviation = performance.overall, performance.cross_validation.accuracy_deviation
    return IterationPerformance(
        per_tag_performance=[
            TagPerformance(
                id=UUID(tag.tag_id),
                name=tag.tag_name,
                precision=tag.precision,
                precision_std_deviation=0.0,
                recall=tag.recall,
                recall_std_deviation=0.0,
                average_precision=tag.average_precision,
            )
            for tag in performance.tags
        ],
        precision=overall.precision,
        precision_std_deviation=deviation,
        recall=overall.recall,
        recall_std_deviation=deviation,
        average_precision=overall.average_precision,
    )


def image_performance_of(
    result: training_service_pb2.ImageResult, image: Image | None, types: Mapping[str, str]
) -> ImagePerformance:
    """Returns an iteration's answer to one image as the API tells it.

    ``image`` is None where it was deleted; ``types`` are those of the tags that there are, by id.
    """
    told = ImagePerformance(
        predictions=[_prediction(each, types) for each in result.predictions], id=UUID(result.image_id)
    )
    if image is not None:
        told.created, told.width, told.height = image.created, image.width, image.height
        told.image_uri, told.thumbnail_uri = image.original_image_uri, image.thumbnail_uri
        told.tags = image.tags
    return told


def _prediction(probability: stored_predictions_pb2.TagProbability, types: Mapping[str, str]) -> Prediction:
    told = Prediction(
        probability=probability.probability, tag_id=UUID(probability.tag_id), tag_name=probability.tag_name
    )
    if probability.tag_id in types:
        told.tag_type = types[probability.tag_id]
    return told
