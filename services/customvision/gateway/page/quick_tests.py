"""Photos from the browser to a model, one in each request: asked as its bytes, which JSON would make a third larger."""

from starlette.requests import Request
from starlette.responses import Response

from customvision.gateway.image_files import image_files
from customvision.gateway.page.calls import answered
from customvision.gateway.room import Room
from customvision.gateway.services import Services
from customvision.v1 import prediction_service_pb2


class QuickTests:
    """Asks models while there is room for the photos."""

    def __init__(self, services: Services, room: Room) -> None:
        self._prediction, self._room = services.prediction, room

    async def respond(self, request: Request) -> Response:
        """Answers ``POST /page/projects/ID/quick-test`` with what a model says of the photo in the body.

        The query has fields of a PredictRequest: ``iterationId`` or ``publishName``, ``store=true``, ``application``.
        """
        query = request.query_params
        async with image_files(request, self._room, most=1) as files:
            question = prediction_service_pb2.PredictRequest(
                project_id=request.path_params["project_id"],
                publish_name=query.get("publishName", ""),
                iteration_id=query.get("iterationId", ""),
                image_data=files[0].data,
                store=query.get("store") == "true",
                application=query.get("application", ""),
            )
            return await answered(self._prediction.Predict(question))
