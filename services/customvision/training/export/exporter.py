"""Exports iterations: fetches what they are made of, has a child process build the zip, and streams it."""

import asyncio
import contextlib
import enum
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from customvision.common.durable_files import TEMPORARY_PREFIX
from customvision.common.errors import InvalidArgument
from customvision.training.backbones.preparation import QUIET
from customvision.training.child_process import ChildStopped, reports_of
from customvision.training.iteration_performance import completed_iteration
from customvision.training.iterations import Iterations
from customvision.v1 import iterations_pb2, training_service_pb2

MODULE = "customvision.training.export"
PIECE_BYTES = 1024 * 1024
MODEL_FILE, BACKBONE_FILE, WEIGHTS_FILE, ZIP_FILE = "model.zip", "backbone.zip", "backbone.weights.h5", "export.zip"

log = structlog.get_logger()


class ExportFormat(enum.Enum):
    """The file formats of an export."""

    KERAS = "keras"
    SAVED_MODEL = "saved_model"


class ExportFormatUnknown(InvalidArgument):
    """The export format is none that this version knows."""

    reason = "EXPORT_FORMAT_UNKNOWN"


class ExportFailed(Exception):
    """The export could not be built, or what was built does not answer like the model; the log says more."""


@dataclass(frozen=True)
class ExportPiece:
    """A piece of the zip; ``file_name`` is set on the first."""

    file_name: str
    data: bytes


def export_format_of(value: int) -> ExportFormat:
    """Returns the format that was asked for. Raises ExportFormatUnknown."""
    formats: dict[int, ExportFormat] = {
        training_service_pb2.EXPORT_FORMAT_UNSPECIFIED: ExportFormat.KERAS,
        training_service_pb2.EXPORT_FORMAT_KERAS: ExportFormat.KERAS,
        training_service_pb2.EXPORT_FORMAT_SAVED_MODEL: ExportFormat.SAVED_MODEL,
    }
    if value not in formats:
        raise ExportFormatUnknown(
            f"format is {value}, which this version does not know; use EXPORT_FORMAT_KERAS or "
            "EXPORT_FORMAT_SAVED_MODEL.",
            field="format",
        )
    return formats[value]


class Exporter:
    """Builds exports in ``folder``, one at a time, for each needs a process with Keras; they are read side by side."""

    def __init__(self, iterations: Iterations, folder: Path) -> None:
        self._iterations = iterations
        self._folder = folder
        self._one_at_a_time = asyncio.Lock()

    async def export(
        self, project_id: str, iteration_id: str, export_format: ExportFormat
    ) -> AsyncGenerator[ExportPiece, None]:
        """Yields the zip of an iteration's model. Raises IterationNotCompleted, NotFound, ExportFailed."""
        iteration = await completed_iteration(self._iterations, project_id, iteration_id)
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=f"{TEMPORARY_PREFIX}export-", dir=self._folder))
        try:
            # A slow reader holds up no other export.
            async with self._one_at_a_time:
                await self._fetch(iteration.artifacts, folder)
                await _build(folder, export_format)
            # What a user names never becomes part of a path.
            name = f"iteration-{iteration.number}-{export_format.value.replace('_', '-')}.zip"
            async for piece in _pieces(folder / ZIP_FILE, name):
                yield piece
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _fetch(self, artifacts: iterations_pb2.IterationArtifacts, folder: Path) -> None:
        wanted = {
            MODEL_FILE: artifacts.model_sha256,
            BACKBONE_FILE: artifacts.backbone_sha256,
            WEIGHTS_FILE: artifacts.backbone_weights_sha256,
        }
        for file_name, sha256 in wanted.items():
            data = await self._iterations.artifact(sha256)
            await asyncio.to_thread((folder / file_name).write_bytes, data)


async def _build(folder: Path, export_format: ExportFormat) -> None:
    request = {"folder": str(folder), "format": export_format.value}
    environment = {**QUIET, "KERAS_HOME": str(folder)}
    try:
        async with contextlib.aclosing(reports_of(MODULE, request, environment=environment)) as reports:
            async for _ in reports:
                pass
    except ChildStopped as error:
        log.error("an export failed", log_tail=error.log_tail)
        raise ExportFailed from error


async def _pieces(file: Path, name: str) -> AsyncIterator[ExportPiece]:
    with file.open("rb") as content:
        while data := await asyncio.to_thread(content.read, PIECE_BYTES):
            yield ExportPiece(name, data)
            name = ""
