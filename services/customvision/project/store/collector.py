"""Removes what nothing names any more: first the records of unused artifacts, then files without a record."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from customvision.common.database import Connection, Database
from customvision.project.store import artifacts
from customvision.project.store.blobs import BlobStore
from customvision.project.store.columns import to_list

# Long enough for an upload to reach its row and for a training to name the artifacts it has sent.
GRACE_SECONDS = 600.0
INTERVAL_SECONDS = 300.0

log = structlog.get_logger()


class Collector:
    """Collects at the start and every few minutes. Files younger than the grace are left alone."""

    def __init__(
        self,
        database: Database,
        blobs: BlobStore,
        *,
        grace_seconds: float = GRACE_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._blobs = blobs
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
        """Removes what nothing names and the grace does not cover; returns the number of files removed."""
        before = self._clock() - self._grace_seconds
        unused_since = datetime.fromtimestamp(before, UTC)
        await self._database.write(lambda connection: artifacts.delete_unnamed(connection, unused_since))
        return await self._blobs.collect(before, self._named)

    async def _named(self, sha256s: list[str]) -> set[str]:
        return await self._database.read(lambda connection: _named(connection, sha256s))


def _named(connection: Connection, sha256s: list[str]) -> set[str]:
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
