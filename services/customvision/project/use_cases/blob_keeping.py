"""Keeps blobs from the collector until rows name them."""

import contextlib
from collections.abc import AsyncIterator, Collection

from customvision.common.database import Database
from customvision.common.errors import StorageFull
from customvision.project.store.blobs import BlobStore
from customvision.project.store.collector import named_blobs


@contextlib.asynccontextmanager
async def keep_until_named(database: Database, blobs: BlobStore, sha256s: Collection[str]) -> AsyncIterator[None]:
    """Holds blobs while they are written and rows come to name them; where the disk is full, what no row names goes."""
    try:
        async with blobs.hold(sha256s):
            yield
    except StorageFull:

        async def named(free: list[str]) -> set[str]:
            return await database.read(lambda connection: named_blobs(connection, free))

        await blobs.discard(sha256s, named)
        raise
