"""The zips of exports, behind signed links."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from customvision.gateway.links import PREFIX, Links
from customvision.gateway.services import Services
from customvision.gateway.streaming import opened
from customvision.v1 import training_service_pb2
from customvision.v1.training_service_pb2 import ExportFormat

PATH = PREFIX + "projects/{project_id}/iterations/{iteration_id}/exports/{file}.zip"
FORMATS = {
    name.removeprefix("EXPORT_FORMAT_").lower().replace("_", "-"): number for name, number in ExportFormat.items()
}
FILES = {number: name for name, number in FORMATS.items()}


def export_path(export: training_service_pb2.Export) -> str:
    """Returns the path of an export's zip, to be signed."""
    return PATH.format(project_id=export.project_id, iteration_id=export.iteration_id, file=FILES[export.format])


class ExportDownloads:
    """Answers what signed links to exports ask for."""

    def __init__(self, services: Services, links: Links) -> None:
        self._services, self._links = services, links

    async def respond(self, request: Request) -> Response:
        """Streams the zip. Raises ApiError where the link is not valid."""
        self._links.check(request)
        asked = training_service_pb2.GetExportContentRequest(
            project_id=request.path_params["project_id"],
            iteration_id=request.path_params["iteration_id"],
            format=FORMATS[request.path_params["file"]],
        )
        first, pieces = await opened(self._services.training.GetExportContent(asked))
        name = quote(first.file_name if first is not None else "export.zip", safe="")
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
        return StreamingResponse(pieces, media_type="application/zip", headers=headers)
