"""What callers can do with kept exports."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime

from customvision.training.evaluation.iteration_performance import check_completed
from customvision.training.export.existing_iteration import existing_iteration
from customvision.training.export.export_files import ExportFiles
from customvision.training.export.export_format import ExportFormat
from customvision.training.export.export_keeper import ExportKeeper
from customvision.training.export.exporter import file_name_of
from customvision.training.export.kept_export import ExportNotDone, ExportNotFound, ExportState, KeptExport
from customvision.training.export.pieces import ExportPiece, pieces_of
from customvision.training.iterations import Iterations
from customvision.training.store.exports import ExportStore


class KeptExports:
    """Starts, lists and reads exports. Every method raises NotFound where there is no such iteration."""

    def __init__(self, exports: ExportStore, iterations: Iterations, files: ExportFiles, keeper: ExportKeeper) -> None:
        self._exports = exports
        self._iterations = iterations
        self._files = files
        self._keeper = keeper

    async def start(self, project_id: str, iteration_id: str, export_format: ExportFormat) -> KeptExport:
        """Has an export made, and returns it; or the one that there is, unless it failed.

        Raises IterationNotCompleted.
        """
        iteration = await existing_iteration(self._iterations, self._exports, project_id, iteration_id)
        check_completed(iteration)
        now = datetime.now(UTC)
        name = file_name_of(iteration, export_format)
        export = await self._exports.start(KeptExport(project_id, iteration_id, export_format, name, now, now))
        self._keeper.wake()
        return export

    async def of_iteration(self, project_id: str, iteration_id: str) -> list[KeptExport]:
        """Returns the exports of an iteration, oldest first."""
        await existing_iteration(self._iterations, self._exports, project_id, iteration_id)
        return await self._exports.asked_for(project_id, iteration_id)

    async def content(
        self, project_id: str, iteration_id: str, export_format: ExportFormat
    ) -> AsyncGenerator[ExportPiece, None]:
        """Yields the zip of an export. Raises ExportNotFound, ExportNotDone."""
        await existing_iteration(self._iterations, self._exports, project_id, iteration_id)
        found = await self._exports.asked_for(project_id, iteration_id, export_format)
        if not found:
            raise ExportNotFound(iteration_id, export_format)
        (export,) = found
        if export.state is not ExportState.DONE:
            raise ExportNotDone(export)
        try:
            async for piece in pieces_of(self._files.path(export.stored_name), export.file_name):
                yield piece
        except FileNotFoundError as error:
            # Somebody removed it from the disk: the keeper will see that, too.
            self._keeper.wake()
            raise ExportNotFound(iteration_id, export_format) from error
