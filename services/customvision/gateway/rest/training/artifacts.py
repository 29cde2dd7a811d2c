"""Files of a project by their path, as clients know them from the service that this API comes from."""

import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from customvision.gateway.api_errors import ApiError
from customvision.gateway.rest.routing import routes_about
from customvision.gateway.services import Services
from customvision.gateway.streaming import opened
from customvision.v1 import images_pb2

# Such as /i-<project>/i-<image>, or /t-<image> for the thumbnail.
PATH = re.compile(r"(?:.*/)?(?P<variant>[it])-(?P<image_id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE)
VARIANTS = {"i": images_pb2.IMAGE_VARIANT_FULL, "t": images_pb2.IMAGE_VARIANT_THUMBNAIL}
BYTES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}


def artifact_routes(services: Services) -> APIRouter:
    """Returns the route of files by path."""
    routes = routes_about("Projects")

    @routes.get(
        "/projects/{project_id}/artifacts", operation_id="GetArtifact", response_class=Response, responses=BYTES
    )
    async def get_artifact(
        project_id: UUID, path: Annotated[str, Query(description="/i-{imageId} or, for its thumbnail, /t-{imageId}.")]
    ) -> Response:
        """Returns the file of an image of the project, or its thumbnail."""
        found = PATH.fullmatch(path)
        if found is None:
            message = "'path' names no file; it must end in i-{imageId} or t-{imageId}."
            raise ApiError("BadRequestInvalidArtifactUri", message)
        request = images_pb2.GetImageContentRequest(
            project_id=str(project_id), image_id=found["image_id"], variant=VARIANTS[found["variant"].lower()]
        )
        _, pieces = await opened(services.project.GetImageContent(request))
        return StreamingResponse(pieces, media_type="application/octet-stream")

    return routes
