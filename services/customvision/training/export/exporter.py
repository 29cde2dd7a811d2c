"""Exports iterations: fetches what they are made of, has a child process build the zip, and streams it."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import structlog

from customvision.common.durable_files import TEMPORARY_PREFIX
from customvision.common.errors import ServiceError, StorageFull
from customvision.training.backbones.preparation import QUIET
from customvision.training.children.child_process import ChildKilled, ChildStopped, reports_of
from customvision.training.evaluation.iteration_performance import completed_iteration
from customvision.training.export.errors import ExportDiffers, ExportFailed, model_damaged
from customvision.training.export.export_format import ExportFormat
from customvision.training.export.fetching import fetch_makings
from customvision.training.export.outcome import Outcome
from customvision.training.export.pieces import ExportPiece, pieces_of
from customvision.training.export.working_folder import ZIP_FILE
from customvision.training.full_disk import full_disk_told
from customvision.training.iterations import Iterations
from customvision.v1 import iterations_pb2

MODULE = "customvision.training.export"

log = structlog.get_logger()


class Exporter:
    """Builds exports in ``folder``, one at a time, for each needs a process with Keras; they are read side by side."""

    def __init__(self, iterations: Iterations, folder: Path) -> None:
        self._iterations = iterations
        self._folder = folder
        self._one_at_a_time = asyncio.Lock()

    async def export(
        self, project_id: str, iteration_id: str, export_format: ExportFormat
    ) -> AsyncGenerator[ExportPiece, None]:
        """Yields the zip of an iteration's model. Closed or cancelled before its end, it leaves nothing behind.

        Raises IterationNotCompleted, NotFound, ModelDamaged, ExportDiffers, ExportFailed, StorageFull.
        """
        async with self.built(project_id, iteration_id, export_format) as (zip_file, file_name):
            async for piece in pieces_of(zip_file, file_name):
                yield piece

    @contextlib.asynccontextmanager
    async def built(
        self, project_id: str, iteration_id: str, export_format: ExportFormat
    ) -> AsyncIterator[tuple[Path, str]]:
        """Builds the zip and gives its path and the name suggested to users; at the block's end the file is gone,
        unless it was moved away. Raises what ``export`` raises."""
        iteration = await completed_iteration(self._iterations, project_id, iteration_id)
        with full_disk_told():
            folder = Path(
                await asyncio.to_thread(tempfile.mkdtemp, prefix=f"{TEMPORARY_PREFIX}export-", dir=self._folder)
            )
        try:
            # A slow reader holds up no other export.
            async with self._one_at_a_time:
                with full_disk_told():
                    await fetch_makings(self._iterations, iteration, folder)
                await _build(iteration, folder, export_format)
            yield folder / ZIP_FILE, file_name_of(iteration, export_format)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def file_name_of(iteration: iterations_pb2.Iteration, export_format: ExportFormat) -> str:
    """Returns the name suggested for the zip. What a user names never becomes part of a path."""
    return f"iteration-{iteration.number}-{export_format.file_name_part}.zip"


async def _build(iteration: iterations_pb2.Iteration, folder: Path, export_format: ExportFormat) -> None:
    request = {"folder": str(folder), "format": export_format.value}
    environment = {**QUIET, "KERAS_HOME": str(folder), "KERAS_BACKEND": export_format.keras_backend}
    outcome: dict[str, Any] = {}
    try:
        async with contextlib.aclosing(reports_of(MODULE, request, environment=environment)) as reports:
            async for report in reports:
                outcome = report
    except ChildStopped as error:
        log.error("an export failed", iteration_id=iteration.iteration_id, log_tail=error.log_tail)
        raise _stopped(error, export_format) from error
    if outcome["kind"] != Outcome.BUILT:
        log.error("an export failed", iteration_id=iteration.iteration_id, **outcome)
        raise _failure(Outcome(outcome["kind"]), outcome["cause"], iteration, export_format)


def _failure(
    outcome: Outcome, cause: str, iteration: iterations_pb2.Iteration, export_format: ExportFormat
) -> ServiceError:
    metadata = {"format": export_format.value, "iteration_id": iteration.iteration_id}
    match outcome:
        case Outcome.DISK_FULL:
            return StorageFull()
        case Outcome.DAMAGED:
            return model_damaged(iteration, cause)
        case Outcome.DIFFERS:
            return ExportDiffers(f"{cause} Nothing was exported; export another format.", metadata=metadata)
    return ExportFailed(f"{cause} Export another format.", metadata=metadata)


def _stopped(error: ChildStopped, export_format: ExportFormat) -> ExportFailed:
    if isinstance(error, ChildKilled):
        message = f"Building the export was killed ({error.cause}); the machine may be short of memory. Try again."
    else:
        message = "The export could not be built; the training service's log says more. Try another format."
    return ExportFailed(message, metadata={"format": export_format.value})
