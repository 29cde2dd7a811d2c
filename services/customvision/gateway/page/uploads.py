"""Photos from the browser to the project service, one in each request: how far they are is seen one by one."""

from starlette.requests import Request
from starlette.responses import Response

from customvision.gateway.image_files import image_files
from customvision.gateway.page.calls import answered
from customvision.gateway.room import Room
from customvision.gateway.services import Services
from customvision.v1 import images_pb2


class Uploads:
    """Takes photos while there is room for them."""

    def __init__(self, services: Services, room: Room) -> None:
        self._project, self._room = services.project, room

    async def respond(self, request: Request) -> Response:
        """Answers ``POST /page/projects/ID/images?fileName=…&tagIds=…`` with what became of the photo in the body."""
        async with image_files(request, self._room, most=1) as files:
            upload = images_pb2.ImageUpload(
                image_data=files[0].data,
                file_name=request.query_params.get("fileName", ""),
                tag_ids=request.query_params.getlist("tagIds"),
            )
            call = images_pb2.CreateImagesRequest(project_id=request.path_params["project_id"], images=[upload])
            return await answered(self._project.CreateImages(call))
