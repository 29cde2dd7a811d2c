"""The files of the blob store: content by its SHA-256, durable before anyone is told of it. Everything here blocks."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from customvision.common.durable_files import (
    fsync_folder,
    make_folder_durably,
    remove_temporary_files,
    write_temporary,
)

CHUNK_BYTES = 1024 * 1024
SHARDS = 256
_INCOMING = "incoming"


class BlobMissing(Exception):
    """No such blob is stored, or it is damaged."""


def make_shards(root: Path) -> None:
    """Makes the 256 folders that blobs lie in, and empties the one where they are written first."""
    make_folder_durably(root)
    incoming_folder(root).mkdir(mode=0o700, exist_ok=True)
    remove_temporary_files(incoming_folder(root))
    for number in range(SHARDS):
        (root / f"{number:02x}").mkdir(mode=0o700, exist_ok=True)
    fsync_folder(root)


def incoming_folder(root: Path) -> Path:
    """Returns where blobs lie while they are written."""
    return root / _INCOMING


def path_of(root: Path, sha256: str) -> Path:
    """Returns where the blob of that digest lies."""
    return root / sha256[:2] / sha256[2:]


def write_blobs(root: Path, blobs: Mapping[str, bytes]) -> None:
    """Writes blobs by digest; a blob that is there already is kept. Each folder is fsynced once."""
    for sha256, data in blobs.items():
        path = path_of(root, sha256)
        if not _keep_present(path, len(data)):
            write_temporary(incoming_folder(root), data).rename(path)
    sync_folders(root, blobs)


def adopt(root: Path, sha256: str, size_bytes: int, temporary: Path) -> None:
    """Makes a blob of a file that was fsynced under a temporary name on the same file system."""
    path = path_of(root, sha256)
    if not _keep_present(path, size_bytes):
        temporary.rename(path)
    sync_folders(root, [sha256])


def read_blob(root: Path, sha256: str) -> bytes:
    """Returns a blob's bytes. Raises BlobMissing where there is none or it does not match its digest."""
    try:
        data = path_of(root, sha256).read_bytes()
    except FileNotFoundError as error:
        raise BlobMissing(sha256) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise BlobMissing(f"{sha256} is damaged")
    return data


def old_blobs(root: Path, shard: int, before: float) -> list[str]:
    """Returns the digests of one shard's blobs that were last written or asked for before the time ``before``."""
    name = f"{shard:02x}"
    with os.scandir(root / name) as entries:
        return [name + entry.name for entry in entries if entry.stat().st_mtime < before]


def remove_old_blobs(root: Path, sha256s: Iterable[str], before: float) -> int:
    """Removes those of the blobs that are still older than ``before``; returns how many."""
    removed = 0
    for sha256 in sha256s:
        path = path_of(root, sha256)
        if path.stat().st_mtime < before:
            path.unlink()
            removed += 1
    return removed


def sync_folders(root: Path, sha256s: Iterable[str]) -> None:
    """Makes the names of these blobs durable, also those that another upload has just written."""
    for shard in {sha256[:2] for sha256 in sha256s}:
        fsync_folder(root / shard)


def _keep_present(path: Path, size_bytes: int) -> bool:
    """Tells whether the blob is there, and makes it young, so that the collector leaves it for now."""
    try:
        if path.stat().st_size != size_bytes:
            return False
        os.utime(path)
    except FileNotFoundError:
        return False
    return True
