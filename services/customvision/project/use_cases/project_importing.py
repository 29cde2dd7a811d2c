"""Makes the copies of projects that were begun, in small steps in the background; a restart goes on where it was."""

import asyncio
import contextlib
from dataclasses import replace

import structlog

from customvision.common.database import Connection, Database
from customvision.common.errors import StorageFull
from customvision.project.domain.artifact import Artifact
from customvision.project.domain.iteration import Iteration
from customvision.project.domain.project import ProjectNotFound, ProjectStatus
from customvision.project.domain.project_copy import CopiedIds, ProjectImport
from customvision.project.store import artifacts, images, iterations, project_copies, project_imports, projects
from customvision.project.store.blobs import BlobMissing, BlobStore
from customvision.project.store.columns import now
from customvision.project.use_cases.blob_keeping import keep_until_named
from customvision.project.use_cases.image_arrivals import ImageArrivals
from customvision.project.use_cases.iteration_copying import copied_iteration
from customvision.vision.artifact_ids import with_other_ids
from customvision.vision.artifacts import ArtifactInvalid, digest_of

# What one transaction copies: so few that other writes wait for hundredths of a second.
IMAGES_A_STEP = 500
SECONDS_UNTIL_THERE_IS_ROOM = 10.0

log = structlog.get_logger()


class _CopyDeleted(Exception):
    """The copy was deleted while it was made."""


class ProjectImporter:
    """Makes one copy after the other. Each step is a transaction with the record that it was made."""

    def __init__(self, database: Database, blobs: BlobStore, arrivals: ImageArrivals) -> None:
        self._database = database
        self._blobs = blobs
        self._arrivals = arrivals
        self._begun = asyncio.Event()

    def announce(self) -> None:
        """Wakes the importer, which then reads what was begun."""
        self._begun.set()

    async def run(self) -> None:
        """Makes copies until cancelled. Where the disk is full it waits for room."""
        while True:
            self._begun.clear()
            patience = None
            try:
                for project_import in await self._database.read(project_imports.pending):
                    await self._complete(project_import)
            except StorageFull:
                log.warning("the disk is full; copies of projects go on once there is room")
                patience = SECONDS_UNTIL_THERE_IS_ROOM
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._begun.wait(), patience)

    async def _complete(self, project_import: ProjectImport) -> None:
        try:
            await self._make(project_import)
        except StorageFull:
            raise
        except _CopyDeleted:
            return
        except ProjectNotFound:
            log.warning("a copy ended early: its source was deleted", project_id=project_import.project_id)
            await self._end(project_import, ProjectStatus.FAILED)
        except Exception:
            log.exception("a copy ended early", project_id=project_import.project_id)
            await self._end(project_import, ProjectStatus.FAILED)
        self._arrivals.announce()

    async def _make(self, project_import: ProjectImport) -> None:
        while await self._database.write(lambda connection: _copy_images(connection, project_import)):
            pass
        while source := await self._database.read(lambda c: project_imports.next_iteration(c, project_import)):
            await self._copy_iteration(project_import, source)
        await self._end(project_import, ProjectStatus.SUCCEEDED)

    async def _copy_iteration(self, project_import: ProjectImport, source: Iteration) -> None:
        copy, ids = await self._database.read(lambda connection: copied_iteration(connection, project_import, source))
        files: dict[str, bytes] = {}
        for name, digest in (copy.artifacts.named() if copy.artifacts else {}).items():
            data = await self._renamed(name, digest, ids)
            if data is not None and copy.artifacts is not None:
                files[digest_of(data)] = data
                copy = replace(copy, artifacts=replace(copy.artifacts, **{name: digest_of(data)}))
        async with keep_until_named(self._database, self._blobs, files):
            await self._blobs.write(files)
            stored = [Artifact(digest, len(data)) for digest, data in files.items()]
            await self._database.write(
                lambda connection: _record_iteration(connection, project_import, source, copy, stored)
            )

    async def _renamed(self, name: str, digest: str, ids: CopiedIds) -> bytes | None:
        """Returns an artifact with the ids of the copy.

        None where it names no ids, or is lost or damaged: in the copy it is then what it is in the source.
        """
        kind = {"model_sha256": "model", "evaluation_sha256": "evaluation"}.get(name)
        if kind is None:
            return None
        try:
            data = await self._blobs.read(digest)
            return await asyncio.to_thread(with_other_ids, data, kind=kind, tag_ids=ids.tags, image_ids=ids.images)
        except (BlobMissing, ArtifactInvalid) as error:
            log.warning("an artifact is lost or damaged, and so it is in the copy", sha256=digest, error=str(error))
            return None

    async def _end(self, project_import: ProjectImport, status: ProjectStatus) -> None:
        def end(connection: Connection) -> None:
            # Of iterations that were not copied: in training then, or failed.
            images.delete_unheld(connection, project_import.project_id)
            project_imports.end(connection, project_import, status)

        await self._database.write(end)


def _copy_images(connection: Connection, project_import: ProjectImport) -> bool:
    _check_both(connection, project_import)
    return project_copies.copy_images(connection, project_import, IMAGES_A_STEP)


def _record_iteration(
    connection: Connection,
    project_import: ProjectImport,
    source: Iteration,
    copy: Iteration,
    stored: list[Artifact],
) -> None:
    _check_both(connection, project_import)
    if iterations.find(connection, source.project_id, source.iteration_id) is None:
        return
    for artifact in stored:
        artifacts.record(connection, artifact, now())
    project_copies.copy_iteration(connection, project_import, source, copy)


def _check_both(connection: Connection, project_import: ProjectImport) -> None:
    if projects.status(connection, project_import.project_id) is None:
        raise _CopyDeleted
    if projects.status(connection, project_import.source_project_id) is None:
        raise ProjectNotFound(project_import.source_project_id)
