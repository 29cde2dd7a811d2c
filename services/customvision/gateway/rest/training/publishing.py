"""Putting iterations into service and taking them out."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from customvision.gateway.api_errors import ApiError, told_as
from customvision.gateway.rest.routing import routes_about
from customvision.gateway.services import Services
from customvision.v1 import iterations_pb2

CODES = {"NAME_INVALID": "BadRequestInvalidPublishName", "TEXT_TOO_LONG": "BadRequestInvalidPublishTarget"}
PATH = "/projects/{project_id}/iterations/{iteration_id}/publish"


def publishing_routes(services: Services) -> APIRouter:
    """Returns the routes that publish and unpublish."""
    routes, project = routes_about("Iterations"), services.project

    @routes.post(PATH, operation_id="PublishIteration")
    async def publish_iteration(
        project_id: UUID,
        iteration_id: UUID,
        publish_name: Annotated[str, Query(alias="publishName")],
        prediction_id: Annotated[str, Query(alias="predictionId", description="Kept and told again; any text.")],
        overwrite: bool = False,
    ) -> bool:
        """Puts a completed iteration into service under a name; with overwrite in place of the one that holds it."""
        request = iterations_pb2.PublishIterationRequest(
            project_id=str(project_id),
            iteration_id=str(iteration_id),
            publish_name=publish_name,
            overwrite=overwrite,
            publish_target=prediction_id,
        )
        await _check_name(services, request)
        with told_as(CODES):
            await project.PublishIteration(request)
        return True

    @routes.delete(PATH, operation_id="UnpublishIteration", status_code=204)
    async def unpublish_iteration(project_id: UUID, iteration_id: UUID) -> Response:
        """Takes an iteration out of service."""
        request = iterations_pb2.UnpublishIterationRequest(project_id=str(project_id), iteration_id=str(iteration_id))
        await project.UnpublishIteration(request)
        return Response(status_code=204)

    return routes


async def _check_name(services: Services, wanted: iterations_pb2.PublishIterationRequest) -> None:
    """Raises ApiError where the iteration has another name: the services would give that up, the API does not."""
    request = iterations_pb2.GetIterationRequest(project_id=wanted.project_id, iteration_id=wanted.iteration_id)
    name = (await services.project.GetIteration(request)).publish_name
    if name not in ("", wanted.publish_name):
        message = f"Iteration is already published as: {name}. Unpublish it first, then publish it under the new name."
        raise ApiError("BadRequestIterationIsPublished", message)
