"""Removes what nobody needs: rows of deleted projects, old predictions, records of unused artifacts, then files."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import structlog

from customvision.common.database import Connection, Database
from customvision.common.errors import StorageFull
from customvision.project.store import artifacts, projects, stored_predictions, suggestions
from customvision.project.store.blobs import BlobStore
from customvision.project.store.columns import to_list

# Long enough for an upload to reach its row and for a training to name the artifacts it has sent.
GRACE_SECONDS = 600.0
INTERVAL_SECONDS = 300.0
# What one transaction erases of a deleted project: so few that other writes wait for hundredths of a second.
ERASED_ROWS = 1000
# The same of old predictions and suggestions, each of which may have hundreds of tags.
EXPIRED_ROWS = 100

log = structlog.get_logger()


class Collector:
    """Collects at the start and every few minutes. Files younger than the grace are left alone.

    Stored predictions and suggestions go after ``retention_seconds``; None keeps them.
    """

    def __init__(
        self,
        database: Database,
        blobs: BlobStore,
        *,
        retention_seconds: float | None = None,
        grace_seconds: float = GRACE_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._retention_seconds = retention_seconds
        self._grace_seconds = grace_seconds
        self._clock = clock

    async def run(self) -> None:
        """Collects until cancelled; an error is logged and the next round tries again."""
        while True:
            try:
                removed = await self.collect()
            except Exception:
                log.exception("collecting unused files failed")
            else:
                log.debug("collected unused files", removed=removed)
            await asyncio.sleep(INTERVAL_SECONDS)

    async def collect(self) -> int:
        """Removes what nothing names and the grace does not cover; returns the number of files removed.

        What a crash left of a deleted project is erased by the next one.
        """
        before = self._clock() - self._grace_seconds
        try:
            await self._delete_rows(before)
        except StorageFull:
            # Deleting rows needs room at first; the files that no row names make some.
            log.warning("the disk is full; rows that are not needed are deleted later")
        return await self._blobs.collect(before, self._named)

    async def _delete_rows(self, before: float) -> None:
        unused_since = datetime.fromtimestamp(before, UTC)
        while await self._database.write(lambda connection: projects.erase_deleted(connection, ERASED_ROWS)):
            pass
        if self._retention_seconds is not None:
            # Nothing is older than the first second of 1970, and not every machine can tell times before.
            oldest = max(self._clock() - self._retention_seconds, 0.0)
            await self._expire(datetime.fromtimestamp(oldest, UTC))
        await self._database.write(lambda connection: artifacts.delete_unnamed(connection, unused_since))

    async def _expire(self, before: datetime) -> None:
        for delete_older in (stored_predictions.delete_older, suggestions.delete_older):
            while await self._database.write(partial(delete_older, before=before, limit=EXPIRED_ROWS)):
                pass

    async def _named(self, sha256s: list[str]) -> set[str]:
        return await self._database.read(lambda connection: named_blobs(connection, sha256s))


def named_blobs(connection: Connection, sha256s: list[str]) -> set[str]:
    """Returns those of the digests that a row names."""
    rows = connection.execute(
        "SELECT value FROM json_each(?) WHERE"
        " EXISTS (SELECT 1 FROM images WHERE content_sha256 = value)"
        " OR EXISTS (SELECT 1 FROM images WHERE thumbnail_sha256 = value)"
        " OR EXISTS (SELECT 1 FROM artifacts WHERE sha256 = value)"
        " OR EXISTS (SELECT 1 FROM stored_predictions WHERE content_sha256 = value)"
        " OR EXISTS (SELECT 1 FROM stored_predictions WHERE thumbnail_sha256 = value)",
        [to_list(sha256s)],
    )
    return {row[0] for row in rows}
