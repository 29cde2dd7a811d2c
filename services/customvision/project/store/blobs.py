"""The blob store: bytes by their SHA-256, off the event loop, safe against the collector."""

import asyncio
import contextlib
import errno
import hashlib
import os
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, ParamSpec, TypeVar

from customvision.common.durable_files import TEMPORARY_PREFIX
from customvision.common.errors import StorageFull
from customvision.project.store import blob_files
from customvision.project.store.blob_files import CHUNK_BYTES, BlobDamaged, BlobMissing

__all__ = ["BlobMissing", "BlobStore", "IncomingBlob"]

WORKERS = 8
# Files of one write wait for the disk side by side: their fsyncs end together.
WRITERS = 8
# No room on the disk, or none left for this user.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
Named = Callable[[list[str]], Awaitable[set[str]]]
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class BlobStore:
    """Content-addressed files below one folder. For the event loop it was opened on.

    ``written_count`` and ``written_bytes`` count what ``write`` made durable.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="blobs")
        self.written_count = 0
        self.written_bytes = 0
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="blob-writer")
        self._held: Counter[str] = Counter()
        # Held while the collector decides and removes, so that nobody starts to count on a blob meanwhile.
        self._collecting = asyncio.Lock()
        blob_files.make_shards(root)

    @contextlib.asynccontextmanager
    async def hold(self, sha256s: Iterable[str]) -> AsyncIterator[None]:
        """Keeps the collector away from these blobs while they are written and until a row names them."""
        digests = list(sha256s)
        async with self._collecting:
            self._held.update(digests)
        try:
            yield
        finally:
            self._held.subtract(digests)
            for digest in digests:
                if self._held[digest] <= 0:
                    del self._held[digest]

    async def write(self, blobs: Mapping[str, bytes]) -> None:
        """Stores blobs by their digests, durably, all or none. Call it while they are held. Raises StorageFull."""
        await self.run(blob_files.write_blobs, self._root, blobs, self._writers)
        self.written_count += len(blobs)
        self.written_bytes += sum(map(len, blobs.values()))

    async def read(self, sha256: str) -> bytes:
        """Returns a blob's bytes, compared with its digest. Raises BlobMissing.

        One that is damaged is removed: it is worth nothing, and an upload that looks for it shall not find it.
        """
        try:
            return await self.run(blob_files.read_blob, self._root, sha256)
        except BlobDamaged:
            async with self._collecting:
                # An upload that holds it compares the bytes, and writes them again, itself.
                if sha256 not in self._held:
                    await self.run(blob_files.remove_damaged, self._root, sha256)
            raise

    async def missing(self, sha256s: Iterable[str]) -> set[str]:
        """Returns those of the digests for which there is no file."""
        return await self.run(blob_files.missing_blobs, self._root, sha256s)

    async def chunks(self, sha256: str) -> AsyncIterator[bytes]:
        """Yields a large blob's bytes in pieces of at most 1 MiB, not compared with its digest. Raises BlobMissing."""
        try:
            file = await self.run(blob_files.path_of(self._root, sha256).open, "rb")
        except FileNotFoundError as error:
            raise BlobMissing(sha256) from error
        try:
            while chunk := await self.run(file.read, CHUNK_BYTES):
                yield chunk
        finally:
            file.close()

    @contextlib.asynccontextmanager
    async def receive(self) -> AsyncIterator["IncomingBlob"]:
        """Opens a blob that comes piece by piece; unless it is kept, nothing of it remains. Raises StorageFull."""
        temporary = blob_files.incoming_folder(self._root) / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}"
        file = await self.run(temporary.open, "xb")
        try:
            yield IncomingBlob(self, temporary, file)
        finally:
            # Closing writes what is buffered; on a full disk that fails once more, and nobody wants it any longer.
            with contextlib.suppress(OSError):
                file.close()
            temporary.unlink(missing_ok=True)

    async def adopt(self, sha256: str, temporary: Path) -> None:
        """Makes a blob of a file of this store's that was fsynced under a temporary name. Call it while held."""
        await self.run(blob_files.adopt, self._root, sha256, temporary)

    async def collect(self, before: float, named: Named) -> int:
        """Removes blobs that are older than the time ``before`` and that nothing names; returns how many.

        ``named`` answers which of a list of digests something names.
        """
        removed = 0
        for shard in range(blob_files.SHARDS):
            if not (old := await self.run(blob_files.old_blobs, self._root, shard, before)):
                continue
            async with self._collecting:
                unnamed = await self._unnamed(old, named)
                removed += await self.run(blob_files.remove_old_blobs, self._root, unnamed, before)
        return removed

    async def discard(self, sha256s: Iterable[str], named: Named) -> None:
        """Removes those of the blobs that nothing names or holds, however young."""
        async with self._collecting:
            unnamed = await self._unnamed(sha256s, named)
            await self.run(blob_files.remove_blobs, self._root, unnamed)

    async def _unnamed(self, sha256s: Iterable[str], named: Named) -> set[str]:
        free = [digest for digest in sha256s if digest not in self._held]
        return set(free) - await named(free) if free else set()

    def close(self) -> None:
        """Waits for what was begun."""
        self._workers.shutdown()
        self._writers.shutdown()

    async def run(
        self, work: Callable[Parameters, Result], *arguments: Parameters.args, **named: Parameters.kwargs
    ) -> Result:
        """Runs blocking file work on the store's threads. Raises StorageFull where the disk is full."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._workers, lambda: work(*arguments, **named))
        except OSError as error:
            if error.errno in FULL:
                raise StorageFull from error
            raise


class IncomingBlob:
    """A blob that comes piece by piece, hashed as it comes."""

    def __init__(self, store: BlobStore, temporary: Path, file: BinaryIO) -> None:
        self._store = store
        self._temporary = temporary
        self._file = file
        self._digest = hashlib.sha256()
        self.size_bytes = 0

    @property
    def sha256(self) -> str:
        """The digest of what came so far, 64 hex digits."""
        return self._digest.hexdigest()

    async def write(self, data: bytes) -> None:
        """Adds the next piece."""
        await self._store.run(self._write, data)
        self.size_bytes += len(data)

    async def keep(self) -> None:
        """Makes what came a durable blob of the store. Call it while the digest is held."""
        await self._store.run(self._sync)
        await self._store.adopt(self.sha256, self._temporary)

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._digest.update(data)

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
