"""Artifacts on this machine's disk, each under its digest; the project service is asked for what is missing."""

import asyncio
import io
import os
import re
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TypeVar
from weakref import WeakValueDictionary

import structlog

from customvision.common.durable_files import make_folder_durably, remove_temporary_files, write_durably
from customvision.vision.artifacts import ArtifactInvalid, digest_of, is_fine_tuned

Interpreted = TypeVar("Interpreted")
FetchArtifact = Callable[[str], Awaitable[bytes]]

_DIGEST = re.compile(r"[0-9a-f]{64}")

log = structlog.get_logger()


class ArtifactCache:
    """Files below ``folder``, named by their SHA-256, verified whenever they are read.

    What a cache in one of ``others`` has is linked to and not fetched; each cache removes its own links only.
    """

    def __init__(self, folder: Path, fetch: FetchArtifact, executor: Executor, *, others: Sequence[Path] = ()) -> None:
        """``fetch`` asks the project service for the bytes of a digest; ``executor`` reads and writes the files."""
        self._folder = folder
        self._others = others
        self._fetch = fetch
        self._executor = executor
        self._removal = asyncio.Lock()
        self._fetching: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        make_folder_durably(folder)
        remove_temporary_files(folder)

    async def get(self, sha256: str) -> bytes:
        """Returns the artifact of that digest, fetched where it is not here, verified in any case.

        Raises ArtifactInvalid where the bytes do not match the digest, and what ``fetch`` raises.
        """
        return await self.get_as(sha256, lambda data: data)

    async def is_fine_tuned(self, sha256: str) -> bool:
        """Tells whether a backbone is a fine-tuned one, reading no more of it than its manifest where it is here.

        Raises ArtifactInvalid where it cannot be read, and what ``fetch`` raises.
        """
        loop = asyncio.get_running_loop()
        if _DIGEST.fullmatch(sha256):
            known = await loop.run_in_executor(self._executor, self._is_fine_tuned, sha256)
            if known is not None:
                return known
        return await self.get_as(sha256, lambda data: is_fine_tuned(io.BytesIO(data)))

    async def get_as(self, sha256: str, interpret: Callable[[bytes], Interpreted]) -> Interpreted:
        """Returns what ``interpret`` makes of an artifact, on a thread; raises what ``get`` and ``interpret`` do."""
        if not _DIGEST.fullmatch(sha256):
            raise ArtifactInvalid(f"'{sha256[:80]}' is not the SHA-256 of an artifact.")
        loop = asyncio.get_running_loop()
        async with self._removal:
            # A file that is being removed is not taken for one that stays; later removals know who asked for it.
            pass
        # One visit to a thread where the file is here, for ten thousand of them to be read at a start.
        kept = await loop.run_in_executor(self._executor, self._read_as, sha256, interpret)
        if kept is not None:
            return kept[0]
        async with self._fetching.setdefault(sha256, asyncio.Lock()):
            # Another may have fetched it meanwhile.
            kept = await loop.run_in_executor(self._executor, self._read_as, sha256, interpret)
            if kept is not None:
                return kept[0]
            data = await self._fetch(sha256)
            await loop.run_in_executor(self._executor, self._verify_and_write, sha256, data)
        return await loop.run_in_executor(self._executor, interpret, data)

    async def keep_only(self, wanted: Callable[[], set[str]]) -> None:
        """Removes the artifacts whose digests ``wanted()`` does not name. Raises OSError where it cannot.

        A digest must be wanted before ``get`` is asked for it, and as long as its file shall stay.
        """
        loop = asyncio.get_running_loop()
        # The files first: one that is written from now on is not among those to remove.
        digests = await loop.run_in_executor(self._executor, self._listed)
        async with self._removal:
            await loop.run_in_executor(self._executor, self._remove, digests - wanted())

    def _read_as(self, sha256: str, interpret: Callable[[bytes], Interpreted]) -> tuple[Interpreted] | None:
        data = self._read(sha256)
        return None if data is None else (interpret(data),)

    def _is_fine_tuned(self, sha256: str) -> bool | None:
        try:
            with (self._folder / sha256).open("rb") as file:
                return is_fine_tuned(file)
        except (OSError, ArtifactInvalid):
            # Missing or damaged: it will be fetched.
            return None

    def _read(self, sha256: str) -> bytes | None:
        data = _read_verified(self._folder / sha256, sha256)
        for other in self._others if data is None else ():
            data = _read_verified(other / sha256, sha256)
            if data is not None:
                self._share(other / sha256, sha256, data)
                break
        return data

    def _share(self, path: Path, sha256: str, data: bytes) -> None:
        own = self._folder / sha256
        try:
            own.unlink(missing_ok=True)
            os.link(path, own)
        except OSError:
            # Gone meanwhile, or a file system without links.
            self._write(sha256, data)

    def _verify_and_write(self, sha256: str, data: bytes) -> None:
        found = digest_of(data)
        if found != sha256:
            raise ArtifactInvalid(
                f"The artifact that the project service sent ({len(data):,} bytes) does not match its digest {sha256}."
            )
        self._write(sha256, data)

    def _write(self, sha256: str, data: bytes) -> None:
        try:
            write_durably(self._folder / sha256, data)
        except OSError as error:
            # A full disk must not keep a good model from answering; only a restart will need to fetch again.
            log.warning("an artifact could not be cached", sha256=sha256, error=str(error))

    def _listed(self) -> set[str]:
        return {path.name for path in self._folder.iterdir() if _DIGEST.fullmatch(path.name)}

    def _remove(self, digests: set[str]) -> None:
        for sha256 in digests:
            (self._folder / sha256).unlink(missing_ok=True)


def _read_verified(path: Path, sha256: str) -> bytes | None:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        log.warning("a cached artifact cannot be read; fetching it again", sha256=sha256, error=str(error))
        return None
    if digest_of(data) == sha256:
        return data
    log.warning("a cached artifact is damaged; fetching it again", sha256=sha256)
    return None
