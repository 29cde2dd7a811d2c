"""The gRPC face of exports: built while the caller waits, or made and kept for later."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from customvision.training.export.export_format import ExportFormat, export_format_of
from customvision.training.export.exporter import Exporter
from customvision.training.export.kept_exports import KeptExports
from customvision.training.export.messages import export_message
from customvision.training.request_fields import required
from customvision.v1 import training_service_pb2


class ExportMethods:
    """Translates the calls about exports."""

    _exporter: Exporter
    _kept_exports: KeptExports

    async def ExportIteration(
        self, request: training_service_pb2.ExportIterationRequest, context: Any
    ) -> AsyncIterator[training_service_pb2.ExportChunk]:
        """Streams a zip of the model."""
        export = self._exporter.export(*_iteration_and_format(request))
        # A caller who leaves ends the export at once.
        async with aclosing(export):
            async for piece in export:
                yield training_service_pb2.ExportChunk(file_name=piece.file_name, data=piece.data)

    async def StartExport(
        self, request: training_service_pb2.StartExportRequest, context: Any
    ) -> training_service_pb2.Export:
        """Has a zip of the model made and kept."""
        return export_message(await self._kept_exports.start(*_iteration_and_format(request)))

    async def ListExports(
        self, request: training_service_pb2.ListExportsRequest, context: Any
    ) -> training_service_pb2.ListExportsResponse:
        """Returns the exports of an iteration."""
        exports = await self._kept_exports.of_iteration(*_iteration(request))
        return training_service_pb2.ListExportsResponse(exports=map(export_message, exports))

    async def GetExportContent(
        self, request: training_service_pb2.GetExportContentRequest, context: Any
    ) -> AsyncIterator[training_service_pb2.ExportChunk]:
        """Streams the zip of an export."""
        async with aclosing(self._kept_exports.content(*_iteration_and_format(request))) as content:
            async for piece in content:
                yield training_service_pb2.ExportChunk(file_name=piece.file_name, data=piece.data)


def _iteration_and_format(request: Any) -> tuple[str, str, ExportFormat]:
    return *_iteration(request), export_format_of(request.format)


def _iteration(request: Any) -> tuple[str, str]:
    return required("project_id", request.project_id), required("iteration_id", request.iteration_id)
