"""Tries an iteration, published or not, on an image."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from customvision.gateway.api_errors import ApiError
from customvision.gateway.bodies import read_json
from customvision.gateway.image_files import image_files
from customvision.gateway.rest.documented import body, image_body
from customvision.gateway.rest.models.predictions import ImagePrediction, ImageUrl
from customvision.gateway.rest.pages import all_pages
from customvision.gateway.rest.prediction_answers import image_prediction_response
from customvision.gateway.rest.routing import routes_about
from customvision.gateway.room import Room
from customvision.gateway.services import Services
from customvision.gateway.tag_types import TagTypes
from customvision.v1 import iterations_pb2, prediction_service_pb2

IterationId = Annotated[
    UUID | None, Query(alias="iterationId", description="Left out: the newest iteration that is completed.")
]


def quick_test_routes(services: Services, tag_types: TagTypes, room: Room) -> APIRouter:
    """Returns the routes of quick tests. Bodies with an image wait for room."""
    routes = routes_about("Quick tests")

    async def answer(request: prediction_service_pb2.PredictRequest) -> Response:
        request.iteration_id = request.iteration_id or await _newest_completed(services, request.project_id)
        predicted = await services.prediction.Predict(request)
        return image_prediction_response(request.project_id, predicted, await tag_types.of(request.project_id))

    @routes.post(
        "/projects/{project_id}/quicktest/image",
        operation_id="QuickTestImage",
        response_model=ImagePrediction,
        openapi_extra=image_body(),
    )
    async def quick_test_image(
        request: Request, project_id: UUID, iteration_id: IterationId = None, *, store: bool = True
    ) -> Response:
        async with image_files(request, room, most=1) as files:
            wanted = prediction_service_pb2.PredictRequest(
                project_id=str(project_id),
                iteration_id=str(iteration_id or ""),
                image_data=files[0].data,
                store=store,
            )
            return await answer(wanted)

    @routes.post(
        "/projects/{project_id}/quicktest/url",
        operation_id="QuickTestImageUrl",
        response_model=ImagePrediction,
        openapi_extra=body(ImageUrl, required=True),
    )
    async def quick_test_image_url(
        request: Request, project_id: UUID, iteration_id: IterationId = None, *, store: bool = True
    ) -> Response:
        image = await read_json(request, ImageUrl)
        wanted = prediction_service_pb2.PredictRequest(
            project_id=str(project_id), iteration_id=str(iteration_id or ""), image_url=image.url, store=store
        )
        return await answer(wanted)

    return routes


async def _newest_completed(services: Services, project_id: str) -> str:
    request = iterations_pb2.ListIterationsRequest(project_id=project_id)
    # The list has the newest first.
    async for iteration in all_pages(services.project.ListIterations, request, "iterations"):
        if iteration.status == iterations_pb2.ITERATION_STATUS_COMPLETED:
            return str(iteration.iteration_id)
    message = "The project has no completed iteration; train it, or wait for the end of its training."
    raise ApiError("NotFoundProjectDefaultIteration", message)
