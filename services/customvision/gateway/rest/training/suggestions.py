"""Tags that a model suggests for untagged images."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from customvision.gateway.api_errors import told_as
from customvision.gateway.bodies import read_json
from customvision.gateway.links import Links
from customvision.gateway.rest.documented import body
from customvision.gateway.rest.fields import check_batch, ids, time_text
from customvision.gateway.rest.image_links import image_uri, thumbnail_uri
from customvision.gateway.rest.models.suggestions import (
    SuggestedTagAndRegion,
    SuggestedTagAndRegionQuery,
    SuggestedTagAndRegionQueryToken,
    TagFilter,
)
from customvision.gateway.rest.prediction_answers import json_response, probabilities
from customvision.gateway.rest.query_tokens import page_size, session_of
from customvision.gateway.rest.routing import routes_about
from customvision.gateway.rest.words import Words
from customvision.gateway.services import Services
from customvision.gateway.tag_types import TagTypes
from customvision.v1 import images_pb2, iterations_pb2, prediction_service_pb2, suggestions_pb2

MAX_IMAGES = 64
MAX_TAGS = 20
DEFAULT_ORDER = "UncertaintyDescending"
ORDERS = Words(
    "order of suggestions",
    {
        "UncertaintyAscending": suggestions_pb2.SUGGESTION_ORDER_MOST_CERTAIN_FIRST,
        DEFAULT_ORDER: suggestions_pb2.SUGGESTION_ORDER_LEAST_CERTAIN_FIRST,
    },
)
INVALID = "BadRequestPredictionInvalidQueryParameters"
CODES = {"PAGE_TOKEN_INVALID": INVALID, "PROBABILITY_INVALID": INVALID, "THRESHOLD_INVALID": INVALID}

IterationId = Annotated[UUID, Query(alias="iterationId")]


def suggestion_routes(services: Services, links: Links, tag_types: TagTypes) -> APIRouter:
    """Returns the routes of suggestions."""
    routes, project = routes_about("Suggestions"), services.project

    @routes.post(
        "/projects/{project_id}/tagsandregions/suggestions",
        operation_id="SuggestTagsAndRegions",
        response_model=list[SuggestedTagAndRegion],
    )
    async def suggest_tags_and_regions(
        project_id: UUID,
        iteration_id: IterationId,
        image_ids: Annotated[str, Query(alias="imageIds", description="Ids, parted by commas.")],
    ) -> Response:
        call = prediction_service_pb2.SuggestTagsRequest(
            project_id=str(project_id),
            iteration_id=str(iteration_id),
            image_ids=ids(image_ids, "imageIds", MAX_IMAGES),
        )
        suggestions = (await services.prediction.SuggestTags(call)).suggestions
        types = await tag_types.of(str(project_id))
        return json_response([_suggested(suggestion, types) for suggestion in suggestions])

    @routes.post(
        "/projects/{project_id}/images/suggested",
        operation_id="QuerySuggestedImages",
        response_model=SuggestedTagAndRegionQuery,
        openapi_extra=body(SuggestedTagAndRegionQueryToken),
    )
    async def query_suggested_images(project_id: UUID, iteration_id: IterationId, request: Request) -> Response:
        token = await read_json(request, SuggestedTagAndRegionQueryToken)
        query = _query(str(project_id), str(iteration_id), token)
        with told_as(CODES):
            page = await project.ListSuggestions(query)
        images = await _images(services, page.suggestions)
        domain_id = await _domain(services, str(project_id), str(iteration_id))
        types = await tag_types.of(str(project_id))
        results = [
            {**_suggested(each, types), **_stored(images[each.image_id], request, links), "domain": domain_id or None}
            for each in page.suggestions
            # Deleted since the page was read.
            if each.image_id in images
        ]
        return json_response({"token": _next_token(token, query, page.next_page_token), "results": results})

    @routes.post(
        "/projects/{project_id}/images/suggested/count",
        operation_id="QuerySuggestedImageCount",
        openapi_extra=body(TagFilter),
    )
    async def query_suggested_image_count(
        project_id: UUID, iteration_id: IterationId, request: Request
    ) -> dict[str, int]:
        wanted = await read_json(request, TagFilter)
        call = suggestions_pb2.CountSuggestionsRequest(
            project_id=str(project_id),
            iteration_id=str(iteration_id),
            tag_ids=_tag_ids(wanted),
            threshold=wanted.threshold,
        )
        with told_as(CODES):
            return dict((await project.CountSuggestions(call)).counts)

    return routes


def _query(
    project_id: str, iteration_id: str, token: SuggestedTagAndRegionQueryToken
) -> suggestions_pb2.ListSuggestionsRequest:
    return suggestions_pb2.ListSuggestionsRequest(
        project_id=project_id,
        iteration_id=iteration_id,
        page_size=page_size(token.max_count, INVALID),
        page_token=token.continuation or "",
        tag_ids=_tag_ids(token),
        threshold=token.threshold,
        order=ORDERS.meaning(token.sort_by or DEFAULT_ORDER),
    )


def _tag_ids(wanted: TagFilter) -> list[str]:
    check_batch(wanted.tag_ids or (), "tagIds", MAX_TAGS)
    return [str(tag_id) for tag_id in wanted.tag_ids or ()]


def _next_token(
    token: SuggestedTagAndRegionQueryToken, query: suggestions_pb2.ListSuggestionsRequest, continuation: str
) -> dict[str, Any]:
    """Returns the query as it came, whole, with where to go on."""
    return {
        **token.model_dump(mode="json", by_alias=True),
        "session": token.session or session_of(query),
        "continuation": continuation or None,
        "maxCount": token.max_count or 0,
        "sortBy": token.sort_by or DEFAULT_ORDER,
    }


async def _images(services: Services, suggestions: Any) -> dict[str, images_pb2.Image]:
    """Returns the images of a page of suggestions by their ids."""
    if not suggestions:
        return {}
    chosen = [each.image_id for each in suggestions]
    request = images_pb2.ListImagesRequest(
        project_id=suggestions[0].project_id, image_ids=chosen, page_size=len(chosen)
    )
    return {image.image_id: image for image in (await services.project.ListImages(request)).images}


async def _domain(services: Services, project_id: str, iteration_id: str) -> str:
    request = iterations_pb2.GetIterationRequest(project_id=project_id, iteration_id=iteration_id)
    return (await services.project.GetIteration(request)).domain_id


def _suggested(suggestion: suggestions_pb2.Suggestion, types: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": suggestion.image_id,
        "project": suggestion.project_id,
        "iteration": suggestion.iteration_id,
        "created": time_text(suggestion.create_time),
        "predictions": probabilities(suggestion.predictions, types),
        "predictionUncertainty": suggestion.uncertainty,
    }


def _stored(image: images_pb2.Image, request: Request, links: Links) -> dict[str, Any]:
    full = image_uri(links, request, image.project_id, image.image_id)
    return {
        "width": image.width,
        "height": image.height,
        "resizedImageUri": full,
        "thumbnailUri": thumbnail_uri(links, request, image.project_id, image.image_id),
        "originalImageUri": full,
    }
