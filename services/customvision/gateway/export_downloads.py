"""The zips of exports, behind signed links."""

import re
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from customvision.gateway.api_errors import ApiError
from customvision.gateway.blob_headers import HEADERS, is_known, not_modified
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
        self._training, self._links = services.training, links

    async def respond(self, request: Request) -> Response:
        """Streams the zip. Raises ApiError where the link is not valid, or the export is not there."""
        self._links.check(request)
        export = await self._export(request)
        tag = f'"{export.create_time.ToMilliseconds()}-{export.size_bytes}"'
        if is_known(request, tag):
            return not_modified(tag)
        headers = {
            **HEADERS,
            "ETag": tag,
            "Content-Length": str(export.size_bytes),
            "Content-Disposition": _attachment(export.file_name),
        }
        if request.method == "HEAD":
            return Response(headers=headers, media_type="application/zip")
        content = training_service_pb2.GetExportContentRequest(
            project_id=export.project_id, iteration_id=export.iteration_id, format=export.format
        )
        _, pieces = await opened(self._training.GetExportContent(content))
        return StreamingResponse(pieces, headers=headers, media_type="application/zip")

    async def _export(self, request: Request) -> training_service_pb2.Export:
        names = request.path_params
        wanted = training_service_pb2.ListExportsRequest(
            project_id=names["project_id"], iteration_id=names["iteration_id"]
        )
        for export in (await self._training.ListExports(wanted)).exports:
            done = export.state == training_service_pb2.EXPORT_STATE_DONE
            if done and FILES.get(export.format) == names["file"]:
                return export
        raise ApiError("NotFound", "This export is not there, or no longer; ask for it again.")


def _attachment(file_name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", file_name) or "export.zip"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name or plain, safe='')}"
