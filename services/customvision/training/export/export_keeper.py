"""Makes kept exports, one after the other, and removes those that need not be kept any longer."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from customvision.common.background import forever
from customvision.common.errors import NotFound, ServiceError
from customvision.common.notifier import wait
from customvision.training.export.existing_iteration import existing_iteration
from customvision.training.export.export_files import ExportFiles
from customvision.training.export.exporter import Exporter
from customvision.training.export.kept_export import MAX_ATTEMPTS, MAX_BYTES, ExportState, KeptExport, outdated
from customvision.training.full_disk import full_disk_told
from customvision.training.iterations import Iterations, patiently
from customvision.training.store.exports import ExportStore

SECONDS_BETWEEN_ROUNDS = 3600.0
GIVEN_UP = f"It was interrupted {MAX_ATTEMPTS} times and is given up; the training service's log may say why."
OWN_ERROR = "The training service met an error of its own; its log says more."

log = structlog.get_logger()


class ExportKeeper:
    """Does one thing at a time, so that no file is removed that is about to be recorded."""

    def __init__(
        self,
        exports: ExportStore,
        iterations: Iterations,
        exporter: Exporter,
        files: ExportFiles,
        *,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        """``max_bytes`` is what all files may take together."""
        self._exports = exports
        self._iterations = iterations
        self._exporter = exporter
        self._files = files
        self._max_bytes = max_bytes
        self._woken = asyncio.Event()

    async def work(self) -> None:
        """Makes and removes exports, without end. One that is interrupted is made anew when the work begins again."""
        await forever(self._work_once)

    def wake(self) -> None:
        """Tells that there is something to do."""
        self._woken.set()

    async def _work_once(self) -> None:
        self._woken.clear()
        export = await self._exports.next_to_make()
        if export is not None:
            await self._make(export)
        await self._remove_outdated()
        if export is None:
            await wait(self._woken, SECONDS_BETWEEN_ROUNDS)

    async def _make(self, export: KeptExport) -> None:
        if export.attempt >= MAX_ATTEMPTS:
            await self._exports.fail(export, GIVEN_UP)
            return
        await self._exports.begin_attempt(export)
        try:
            await patiently(lambda: self._make_file(export))
        except ServiceError as error:
            await self._exports.fail(export, error.message)
        except Exception:
            log.exception("an export met an error that nobody foresaw", iteration_id=export.iteration_id)
            await self._exports.fail(export, OWN_ERROR)

    async def _make_file(self, export: KeptExport) -> None:
        async with self._exporter.built(export.project_id, export.iteration_id, export.format) as (zip_file, _):
            with full_disk_told():
                stored_name, size_bytes = await asyncio.to_thread(self._files.keep, zip_file)
        await self._exports.finish(export, stored_name, size_bytes)

    async def _remove_outdated(self) -> None:
        await self._remove_where_iterations_are_gone()
        now, names = datetime.now(UTC), await asyncio.to_thread(self._files.names)

        def choose(exports: Sequence[KeptExport]) -> list[KeptExport]:
            lost = [it for it in exports if it.state is ExportState.DONE and it.stored_name not in names]
            return lost + outdated(exports, now, max_bytes=self._max_bytes)

        await asyncio.to_thread(self._files.remove_all_but, await self._exports.remove(choose))

    async def _remove_where_iterations_are_gone(self) -> None:
        for project_id, iteration_id in await self._exports.iterations():
            try:
                await existing_iteration(self._iterations, self._exports, project_id, iteration_id)
            except NotFound:
                continue
            except ServiceError:
                # The project service is away: they stay for now.
                return
