"""Classifies images with the models that are published."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from customvision.gateway.api_errors import DOCUMENTED, ApiError, told_as
from customvision.gateway.bodies import read_json
from customvision.gateway.canonical_paths import decoded_name
from customvision.gateway.image_files import image_files
from customvision.gateway.rest.documented import body, image_body
from customvision.gateway.rest.models.predictions import ImagePrediction, ImageUrl
from customvision.gateway.rest.prediction_answers import image_prediction_response
from customvision.gateway.rest.versions import PREDICTION_PREFIX, PredictionVersion, prediction_version
from customvision.gateway.room import Room
from customvision.gateway.services import Services
from customvision.gateway.tag_types import TagTypes
from customvision.v1 import prediction_service_pb2

PATH = "/{project_id}/classify/iterations/{published_name}"
CODES = {"TEXT_TOO_LONG": "BadRequestPredictionInvalidApplicationName"}

Application = Annotated[str, Query(description="A label that is kept with the answer, to find it by.")]


class _ClassifyRoute(APIRoute):
    """Hands its few parameters over itself: to have them solved for each image costs as much as the rest here."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Returns what answers a request."""
        endpoint: Callable[..., Coroutine[Any, Any, Response]] = self.endpoint

        async def handle(request: Request) -> Response:
            names = request.path_params
            try:
                PredictionVersion(names["version"])
                project_id = UUID(names["project_id"])
            except ValueError as error:
                raise ApiError("NotFound", "The path names no version of this API, or a project by no id.") from error
            application = request.query_params.get("application", "")
            return await endpoint(request, project_id, decoded_name(names["published_name"]), application)

        return handle


def classification_routes(services: Services, tag_types: TagTypes, room: Room) -> list[BaseRoute]:
    """Returns the routes that classify, whole paths. Bodies with an image wait for room."""
    routes = APIRouter(
        prefix=PREDICTION_PREFIX + PATH,
        tags=["Classification"],
        route_class=_ClassifyRoute,
        default_response_class=JSONResponse,
        dependencies=[Depends(prediction_version)],
        responses=DOCUMENTED,
    )

    async def answer(request: prediction_service_pb2.PredictRequest) -> Response:
        with told_as(CODES):
            predicted = await services.prediction.Predict(request)
        return image_prediction_response(request.project_id, predicted, await tag_types.of(request.project_id))

    def classify_image(path: str, operation_id: str, *, store: bool) -> None:
        @routes.post(path, operation_id=operation_id, response_model=ImagePrediction, openapi_extra=image_body())
        async def classify(
            request: Request, project_id: UUID, published_name: str, application: Application = ""
        ) -> Response:
            async with image_files(request, room, most=1) as files:
                wanted = prediction_service_pb2.PredictRequest(
                    project_id=str(project_id),
                    publish_name=published_name,
                    image_data=files[0].data,
                    store=store,
                    application=application,
                )
                return await answer(wanted)

    def classify_url(path: str, operation_id: str, *, store: bool) -> None:
        @routes.post(
            path,
            operation_id=operation_id,
            response_model=ImagePrediction,
            openapi_extra=body(ImageUrl, required=True),
        )
        async def classify(
            request: Request, project_id: UUID, published_name: str, application: Application = ""
        ) -> Response:
            image = await read_json(request, ImageUrl)
            wanted = prediction_service_pb2.PredictRequest(
                project_id=str(project_id),
                publish_name=published_name,
                image_url=image.url,
                store=store,
                application=application,
            )
            return await answer(wanted)

    classify_image("/image", "ClassifyImage", store=True)
    classify_image("/image/nostore", "ClassifyImageWithNoStore", store=False)
    classify_url("/url", "ClassifyImageUrl", store=True)
    classify_url("/url/nostore", "ClassifyImageUrlWithNoStore", store=False)
    return routes.routes
