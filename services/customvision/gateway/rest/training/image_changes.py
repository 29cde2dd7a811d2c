"""Deletes images and changes their metadata."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from customvision.gateway.bodies import read_json
from customvision.gateway.rest.documented import body
from customvision.gateway.rest.fields import ids
from customvision.gateway.rest.models.images import ImageMetadataUpdateEntry, ImageMetadataUpdateSummary, Metadata
from customvision.gateway.rest.routing import routes_about
from customvision.gateway.rest.versions import TrainingVersion
from customvision.gateway.services import Services
from customvision.v1 import images_pb2

MAX_IMAGES = 256
STATUS_WORDS = {
    images_pb2.IMAGE_METADATA_STATUS_OK: "OK",
    images_pb2.IMAGE_METADATA_STATUS_ERROR_IMAGE_NOT_FOUND: "ErrorImageNotFound",
    images_pb2.IMAGE_METADATA_STATUS_ERROR_LIMIT: "ErrorLimitExceed",
}

ImageIds = Annotated[str, Query(alias="imageIds", description="Ids, parted by commas.")]


def image_change_routes(services: Services) -> APIRouter:
    """Returns the routes that delete images and change their metadata."""
    routes, project = routes_about("Images"), services.project

    @routes.delete(
        "/projects/{project_id}/images",
        operation_id="DeleteImages",
        status_code=204,
        responses={202: {"description": "With allImages or allIterations."}},
    )
    async def delete_images(
        project_id: UUID,
        image_ids: ImageIds = "",
        all_images: Annotated[bool, Query(alias="allImages")] = False,
        all_iterations: Annotated[bool, Query(alias="allIterations")] = False,
    ) -> Response:
        request = images_pb2.DeleteImagesRequest(
            project_id=str(project_id),
            image_ids=ids(image_ids, "imageIds", MAX_IMAGES),
            all_images=all_images,
            all_iterations=all_iterations,
        )
        await project.DeleteImages(request)
        many = all_images or all_iterations
        return Response(status_code=HTTPStatus.ACCEPTED if many else HTTPStatus.NO_CONTENT)

    @routes.post(
        "/projects/{project_id}/images/metadata",
        operation_id="UpdateImageMetadata",
        openapi_extra=body(Metadata, required=True),
        responses={
            207: {"model": ImageMetadataUpdateSummary, "description": "Not every image changed; from version 3.3 on."}
        },
    )
    async def update_image_metadata(
        version: TrainingVersion, project_id: UUID, request: Request, response: Response, image_ids: ImageIds
    ) -> ImageMetadataUpdateSummary:
        metadata = await read_json(request, Metadata)
        update = images_pb2.UpdateImageMetadataRequest(
            project_id=str(project_id),
            image_ids=ids(image_ids, "imageIds", MAX_IMAGES),
            metadata={key: value or "" for key, value in metadata.root.items()},
        )
        results = (await project.UpdateImageMetadata(update)).results
        entries = [
            ImageMetadataUpdateEntry(
                image_id=UUID(result.image_id),
                status=STATUS_WORDS.get(result.status, "ErrorUnknown"),
                metadata=dict(result.metadata),
            )
            for result in results
        ]
        successful = all(result.status == images_pb2.IMAGE_METADATA_STATUS_OK for result in results)
        response.status_code = HTTPStatus.OK if successful else version.partial_success_status
        return ImageMetadataUpdateSummary(is_batch_successful=successful, images=entries)

    return routes
