"""The bytes of images, those of projects and those of stored predictions: behind signed links, and for the page."""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from customvision.gateway.api_errors import ApiError
from customvision.gateway.blob_headers import HEADERS, is_known, not_modified
from customvision.gateway.services import Services
from customvision.gateway.streaming import opened
from customvision.v1 import images_pb2, stored_predictions_pb2

IMAGE_PATH = "projects/{project_id}/images/{image_id}/{variant}"
PREDICTION_PATH = "projects/{project_id}/predictions/{prediction_id}/{variant}"
VARIANTS = {"full": images_pb2.IMAGE_VARIANT_FULL, "thumbnail": images_pb2.IMAGE_VARIANT_THUMBNAIL}
# The project service keeps these; anything else would be none of its images.
IMAGE_TYPES = frozenset({"image/jpeg", "image/png"})
UNKNOWN_TYPE = "application/octet-stream"


class Blobs:
    """Answers with images; what is long is passed on piece by piece as the reader takes it."""

    def __init__(self, services: Services, prefix: str, check: Callable[[Request], None] = lambda _: None) -> None:
        """``prefix`` begins the paths; ``check`` raises ApiError for a request that may not see what it asks for."""
        self._project = services.project
        self._prefix = prefix
        self._check = check

    def routes(self) -> list[Route]:
        """Returns the routes; GET brings HEAD with it."""
        return [Route(self._prefix + IMAGE_PATH, self._image), Route(self._prefix + PREDICTION_PATH, self._prediction)]

    async def _image(self, request: Request) -> Response:
        names = self._checked(request)
        content = images_pb2.GetImageContentRequest(
            project_id=names["project_id"], image_id=names["image_id"], variant=_variant(names)
        )
        return await _response(request, self._project.GetImageContent(content), content.image_id)

    async def _prediction(self, request: Request) -> Response:
        names = self._checked(request)
        content = stored_predictions_pb2.GetPredictionContentRequest(
            project_id=names["project_id"], prediction_id=names["prediction_id"], variant=_variant(names)
        )
        return await _response(request, self._project.GetPredictionContent(content), content.prediction_id)

    def _checked(self, request: Request) -> Mapping[str, Any]:
        self._check(request)
        return request.path_params


async def _response(request: Request, call: Any, blob_id: str) -> Response:
    first, pieces = await opened(call)
    if first is None:
        raise ApiError("NotFoundImage", "The image's file is lost; upload the photo again.")
    # The bytes behind an id never change.
    tag = f'"{blob_id}-{request.path_params["variant"]}"'
    if is_known(request, tag):
        call.cancel()
        return not_modified(tag)
    headers = {**HEADERS, "ETag": tag, "Content-Disposition": "inline"}
    kind = first.content_type if first.content_type in IMAGE_TYPES else UNKNOWN_TYPE
    if first.last:
        return Response(first.data, headers=headers, media_type=kind)
    return StreamingResponse(pieces, headers=headers, media_type=kind)


def _variant(names: Mapping[str, Any]) -> images_pb2.ImageVariant.ValueType:
    if names["variant"] not in VARIANTS:
        raise ApiError("NotFound", f"There is no such path; it ends in {' or '.join(VARIANTS)}.")
    return VARIANTS[names["variant"]]
