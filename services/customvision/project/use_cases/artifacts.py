"""Stores artifacts by their digest and reads them."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from customvision.common.database import Connection, Database
from customvision.project.domain.artifact import Artifact, ArtifactMismatch, ArtifactNotFound
from customvision.project.domain.text import checked_count, checked_sha256
from customvision.project.store import artifacts
from customvision.project.store.blobs import BlobMissing, BlobStore
from customvision.project.store.columns import now
from customvision.project.use_cases.blob_keeping import keep_until_named

MAX_FOUND = 1000


class Artifacts:
    """What can be done with artifacts."""

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self._blobs = blobs

    async def upload(self, announced: Artifact, pieces: AsyncIterator[bytes]) -> Artifact:
        """Stores what comes, durably.

        Raises DigestInvalid, ArtifactSizeInvalid, ArtifactMismatch or StorageFull, and nothing of it remains.
        """
        announced = announced.checked()
        async with self._blobs.receive() as incoming:
            async for piece in pieces:
                if incoming.size_bytes + len(piece) > announced.size_bytes:
                    raise ArtifactMismatch("size_bytes")
                await incoming.write(piece)
            if incoming.size_bytes != announced.size_bytes:
                raise ArtifactMismatch("size_bytes")
            if incoming.sha256 != announced.sha256:
                raise ArtifactMismatch("sha256")
            async with keep_until_named(self._database, self._blobs, [announced.sha256]):
                await incoming.keep()
                await self._database.write(lambda connection: artifacts.record(connection, announced, now()))
        return announced

    async def find(self, sha256s: Sequence[str]) -> list[Artifact]:
        """Returns those of the artifacts that are stored; they stay at least as long as a training needs.

        Raises TooManyItems or DigestInvalid.
        """
        checked_count(sha256s, MAX_FOUND, "sha256s")
        digests = [checked_sha256(digest, f"sha256s[{index}]") for index, digest in enumerate(sha256s)]

        def find(connection: Connection) -> list[Artifact]:
            artifacts.touch(connection, digests, now())
            return artifacts.find_several(connection, digests)

        return await self._database.write(find)

    async def read(self, sha256: str) -> AsyncGenerator[bytes, None]:
        """Yields an artifact's bytes in pieces of at most 1 MiB. Raises DigestInvalid or ArtifactNotFound."""
        digest = checked_sha256(sha256, "sha256")
        found = await self._database.read(lambda connection: artifacts.find(connection, digest))
        if found is None:
            raise ArtifactNotFound(digest)
        try:
            async for piece in self._blobs.chunks(digest):
                yield piece
        except BlobMissing as error:
            raise ArtifactNotFound(digest) from error
