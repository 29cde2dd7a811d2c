"""The zips of exports: behind signed links, and for the page."""

import re
from collections.abc import Callable
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from customvision.gateway.api_errors import ApiError
from customvision.gateway.blob_headers import HEADERS, is_known, not_modified
from customvision.gateway.links import PREFIX
from customvision.gateway.services import Services
from customvision.gateway.streaming import opened
from customvision.v1 import training_service_pb2
from customvision.v1.training_service_pb2 import ExportFormat

PATH = "projects/{project_id}/iterations/{iteration_id}/exports/{file}.zip"
FORMATS = {
    name.removeprefix("EXPORT_FORMAT_").lower().replace("_", "-"): number for name, number in ExportFormat.items()
}
FILES = {number: name for name, number in FORMATS.items()}


def export_path(export: training_service_pb2.Export) -> str:
    """Returns the path of an export's zip, to be signed."""
    return PREFIX + PATH.format(
        project_id=export.project_id, iteration_id=export.iteration_id, file=FILES[export.format]
    )


class ExportDownloads:
    """Answers with the zips of exports that are done."""

    def __init__(self, services: Services, prefix: str, check: Callable[[Request], None] = lambda _: None) -> None:
        """``prefix`` begins the path; ``check`` raises ApiError for a request that may not see what it asks for."""
        self._training = services.training
        self._prefix = prefix
        self._check = check

    def route(self) -> Route:
        """Returns the route; GET brings HEAD with it."""
        return Route(self._prefix + PATH, self._respond, name="export")

    async def _respond(self, request: Request) -> Response:
        self._check(request)
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
