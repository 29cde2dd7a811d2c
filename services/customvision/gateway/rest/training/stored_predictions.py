"""Predictions that were kept with their images: queried page by page, and deleted."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from customvision.gateway.api_errors import ApiError, told_as
from customvision.gateway.bodies import read_json
from customvision.gateway.links import Links
from customvision.gateway.rest.documented import body
from customvision.gateway.rest.fields import ids, time_text, timestamp
from customvision.gateway.rest.models.predictions import PredictionQueryResult, PredictionQueryTag, PredictionQueryToken
from customvision.gateway.rest.prediction_answers import json_response, probabilities
from customvision.gateway.rest.prediction_links import prediction_image_uri, prediction_thumbnail_uri
from customvision.gateway.rest.query_tokens import page_size, session_of
from customvision.gateway.rest.routing import routes_about
from customvision.gateway.rest.words import Words
from customvision.gateway.services import Services
from customvision.gateway.tag_types import TagTypes
from customvision.v1 import stored_predictions_pb2

MAX_IDS = 64
MAX_TAGS = 2
INVALID = "BadRequestPredictionInvalidQueryParameters"
ORDERS = Words(
    "order of predictions",
    {
        "Newest": stored_predictions_pb2.PREDICTION_ORDER_NEWEST_FIRST,
        "Oldest": stored_predictions_pb2.PREDICTION_ORDER_OLDEST_FIRST,
        "Suggested": stored_predictions_pb2.PREDICTION_ORDER_SUGGESTED,
    },
    INVALID,
)
CODES = {
    "PAGE_TOKEN_INVALID": INVALID,
    "PROBABILITY_INVALID": INVALID,
    "THRESHOLD_INVALID": INVALID,
    "TEXT_TOO_LONG": "BadRequestPredictionInvalidApplicationName",
}


def stored_prediction_routes(services: Services, links: Links, tag_types: TagTypes) -> APIRouter:
    """Returns the routes of kept predictions."""
    routes, project = routes_about("Predictions"), services.project

    @routes.post(
        "/projects/{project_id}/predictions/query",
        operation_id="QueryPredictions",
        response_model=PredictionQueryResult,
        openapi_extra=body(PredictionQueryToken),
    )
    async def query_predictions(project_id: UUID, request: Request) -> Response:
        token = await read_json(request, PredictionQueryToken)
        query = _query(str(project_id), token)
        with told_as(CODES):
            page = await project.ListPredictions(query)
        types = await tag_types.of(str(project_id))
        answer = {
            "token": _next_token(token, query, page.next_page_token),
            "results": [_stored(prediction, types, request, links) for prediction in page.predictions],
        }
        return json_response(answer)

    @routes.delete("/projects/{project_id}/predictions", operation_id="DeletePrediction", status_code=204)
    async def delete_predictions(
        project_id: UUID, prediction_ids: Annotated[str, Query(alias="ids", description="Ids, parted by commas.")]
    ) -> Response:
        chosen = [each for each in prediction_ids.split(",") if each.strip()]
        if not chosen:
            raise ApiError("BadRequestPredictionIdsMissing", "'ids' is empty; name at least one prediction.")
        if len(chosen) > MAX_IDS:
            message = f"'ids' names {len(chosen)} predictions; one call takes {MAX_IDS} at most. Make several calls."
            raise ApiError("BadRequestPredictionIdsExceededCount", message)
        request = stored_predictions_pb2.DeletePredictionsRequest(
            project_id=str(project_id), prediction_ids=ids(prediction_ids, "ids", MAX_IDS)
        )
        await project.DeletePredictions(request)
        return Response(status_code=204)

    return routes


def _query(project_id: str, token: PredictionQueryToken) -> stored_predictions_pb2.ListPredictionsRequest:
    tags = token.tags or []
    if len(tags) > MAX_TAGS:
        message = f"'tags' has {len(tags)} entries; a query takes {MAX_TAGS} at most."
        raise ApiError("BadRequestPredictionTagsExceededCount", message)
    return stored_predictions_pb2.ListPredictionsRequest(
        project_id=project_id,
        page_size=page_size(token.max_count, INVALID),
        page_token=token.continuation or "",
        iteration_id=str(token.iteration_id or ""),
        order=ORDERS.meaning(token.order_by or "Newest"),
        start_time=None if token.start_time is None else timestamp(token.start_time),
        end_time=None if token.end_time is None else timestamp(token.end_time),
        application=token.application or "",
        tags=map(_tag_filter, tags),
    )


def _tag_filter(tag: PredictionQueryTag) -> stored_predictions_pb2.PredictionTagFilter:
    return stored_predictions_pb2.PredictionTagFilter(
        tag_id=str(tag.id), min_probability=tag.min_threshold, max_probability=tag.max_threshold
    )


def _next_token(
    token: PredictionQueryToken, query: stored_predictions_pb2.ListPredictionsRequest, continuation: str
) -> dict[str, Any]:
    """Returns the query as it came, whole, with where to go on."""
    return {
        **token.model_dump(mode="json", by_alias=True),
        "session": token.session or session_of(query),
        "continuation": continuation or None,
        "maxCount": token.max_count or 0,
        "orderBy": token.order_by or "Newest",
    }


def _stored(
    prediction: stored_predictions_pb2.StoredPrediction, types: Mapping[str, str], request: Request, links: Links
) -> dict[str, Any]:
    ids_of_image = prediction.project_id, prediction.prediction_id
    full = prediction_image_uri(links, request, *ids_of_image)
    return {
        "resizedImageUri": full,
        "thumbnailUri": prediction_thumbnail_uri(links, request, *ids_of_image),
        "originalImageUri": full,
        "domain": prediction.domain_id or None,
        "id": prediction.prediction_id,
        "project": prediction.project_id,
        "iteration": prediction.iteration_id,
        "created": time_text(prediction.create_time),
        "predictions": probabilities(prediction.predictions, types),
    }
