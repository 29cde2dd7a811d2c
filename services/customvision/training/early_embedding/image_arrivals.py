"""Images that arrive at the project service, as the training service waits for them."""

import grpc

from customvision.common.errors import Unavailable
from customvision.common.status import error_from_call
from customvision.v1 import images_pb2
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub


class ImageArrivals:
    """Waits for images. Errors of the project service come as this suite's own kinds."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._project = ProjectServiceStub(channel)

    async def domains_after(self, sequence: int) -> set[str]:
        """Returns the ids of the domains of the next images after ``sequence``, once there are any.

        Raises Unavailable while the project service is away.
        """
        request = images_pb2.WatchImagesRequest(after_sequence=sequence)
        watch = self._project.WatchImages(request)
        try:
            async for response in watch:
                if response.images:
                    return {image.domain_id for image in response.images}
        except grpc.RpcError as error:
            raise error_from_call(error, service="project") from error
        finally:
            watch.cancel()
        raise Unavailable("The project service ended the watch of images.")
