"""What object detection would take: refused, in one sentence for all of it."""

import re
from typing import Any, NoReturn

from fastapi import APIRouter

from customvision.gateway.api_errors import ApiError
from customvision.gateway.rest.routing import prediction_routes_about, routes_about

MESSAGE = "Object detection is not supported: projects here classify whole images. Call what classifies instead."
NOUN = "Object detection"
TRAINING_CALLS = (
    ("POST", "/projects/{project_id}/images/{image_id}/regionproposals", "GetImageRegionProposals"),
    ("POST", "/projects/{project_id}/images/regions", "CreateImageRegions"),
    ("DELETE", "/projects/{project_id}/images/regions", "DeleteImageRegions"),
)
_DETECT = "/{project_id}/detect/iterations/{published_name}"
PREDICTION_CALLS = (
    ("POST", f"{_DETECT}/image", "DetectImage"),
    ("POST", f"{_DETECT}/image/nostore", "DetectImageWithNoStore"),
    ("POST", f"{_DETECT}/url", "DetectImageUrl"),
    ("POST", f"{_DETECT}/url/nostore", "DetectImageUrlWithNoStore"),
)


def detection_training_routes() -> APIRouter:
    """Returns the routes of the training API that are about regions."""
    return _refused(routes_about(NOUN), TRAINING_CALLS)


def detection_prediction_routes() -> APIRouter:
    """Returns the routes of the prediction API that detect."""
    return _refused(prediction_routes_about(NOUN), PREDICTION_CALLS)


def _refused(routes: APIRouter, calls: tuple[tuple[str, str, str], ...]) -> APIRouter:
    async def refuse() -> NoReturn:
        """Always refused: projects here classify whole images."""
        raise ApiError("BadRequestNotSupported", MESSAGE)

    for method, path, operation_id in calls:
        routes.add_api_route(
            path,
            refuse,
            methods=[method],
            operation_id=operation_id,
            name=operation_id,
            response_model=None,
            # The only answer.
            status_code=400,
            openapi_extra={"parameters": [_path_parameter(name) for name in re.findall(r"{(\w+)}", path)]},
        )
    return routes


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
