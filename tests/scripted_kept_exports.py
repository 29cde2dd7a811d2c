"""A training service that keeps exports, as scripts."""

from collections.abc import Callable, Iterator
from typing import Any

from customvision.v1 import training_service_pb2
from scripted_server import ScriptedCall

ZIP = b"PK" + bytes(range(256)) * 20


class KeptExports:
    """A training service that keeps exports in the state that a test gives them."""

    def __init__(self) -> None:
        self.kept: dict[int, training_service_pb2.Export] = {}
        self.state = training_service_pb2.EXPORT_STATE_EXPORTING

    @property
    def scripts(self) -> dict[str, Callable[[ScriptedCall], Any]]:
        """What it answers, by method."""
        return {"StartExport": self._start, "ListExports": self._list, "GetExportContent": self._content}

    def _start(self, call: ScriptedCall) -> training_service_pb2.Export:
        asked = call.request
        self.kept[asked.format] = training_service_pb2.Export(
            project_id=asked.project_id, iteration_id=asked.iteration_id, format=asked.format
        )
        return self._told(asked.format)

    def _list(self, _: ScriptedCall) -> training_service_pb2.ListExportsResponse:
        return training_service_pb2.ListExportsResponse(exports=map(self._told, self.kept))

    def _content(self, _: ScriptedCall) -> Iterator[training_service_pb2.ExportChunk]:
        yield training_service_pb2.ExportChunk(file_name="Itération 1.zip", data=ZIP[:1000])
        yield training_service_pb2.ExportChunk(data=ZIP[1000:])

    def _told(self, export_format: int) -> training_service_pb2.Export:
        told = training_service_pb2.Export()
        told.CopyFrom(self.kept[export_format])
        told.state = self.state
        if self.state == training_service_pb2.EXPORT_STATE_DONE:
            told.size_bytes, told.file_name = len(ZIP), "Itération 1.zip"
        elif self.state == training_service_pb2.EXPORT_STATE_FAILED:
            told.failure_reason = "The network is one that the format cannot hold; export another."
        return told
