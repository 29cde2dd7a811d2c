"""The files of the blob store: content by its SHA-256, durable before anyone is told of it. Everything here blocks."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor, wait
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


class BlobDamaged(BlobMissing):
    """The blob's bytes do not match its digest."""


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


def write_blobs(root: Path, blobs: Mapping[str, bytes], writers: Executor) -> None:
    """Writes blobs by digest, all or none; one that is there, and whole, is kept. Each folder is fsynced once.

    ``writers`` have threads of their own: what waits for the disk waits together.
    """
    writing = [writers.submit(_write_missing, root, sha256, data) for sha256, data in blobs.items()]
    wait(writing)
    written = dict(moved for each in writing if each.exception() is None and (moved := each.result()) is not None)
    try:
        for each in writing:
            each.result()
        # All that needs room has been written: from here on a full disk is in nobody's way.
        for temporary, path in written.items():
            temporary.rename(path)
    except BaseException:
        for temporary in written:
            temporary.unlink(missing_ok=True)
        raise
    for _ in writers.map(fsync_folder, _folders(root, blobs)):
        pass


def adopt(root: Path, sha256: str, temporary: Path) -> None:
    """Makes a blob of a file that was fsynced under a temporary name on the same file system.

    It takes the place of one that is there already, which may be damaged.
    """
    path = path_of(root, sha256)
    temporary.rename(path)
    fsync_folder(path.parent)


def read_blob(root: Path, sha256: str) -> bytes:
    """Returns a blob's bytes. Raises BlobMissing where there is none, BlobDamaged where its digest is another."""
    try:
        data = path_of(root, sha256).read_bytes()
    except FileNotFoundError as error:
        raise BlobMissing(sha256) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise BlobDamaged(sha256)
    return data


def remove_damaged(root: Path, sha256: str) -> None:
    """Removes a blob that does not match its digest; one that does, or is gone, is left alone."""
    try:
        read_blob(root, sha256)
    except BlobDamaged:
        path_of(root, sha256).unlink()
    except BlobMissing:
        pass


def missing_blobs(root: Path, sha256s: Iterable[str]) -> set[str]:
    """Returns those of the digests for which there is no file."""
    return {sha256 for sha256 in sha256s if not path_of(root, sha256).exists()}


def old_blobs(root: Path, shard: int, before: float) -> list[str]:
    """Returns the digests of one shard's blobs that were last written or asked for before the time ``before``."""
    name = f"{shard:02x}"
    return [name + path.name for path in (root / name).iterdir() if _is_older(path, before)]


def remove_old_blobs(root: Path, sha256s: Iterable[str], before: float) -> int:
    """Removes those of the blobs that are still there and older than ``before``; returns how many."""
    old = [sha256 for sha256 in sha256s if _is_older(path_of(root, sha256), before)]
    remove_blobs(root, old)
    return len(old)


def remove_blobs(root: Path, sha256s: Iterable[str]) -> None:
    """Removes the blobs; those that are gone already are passed over."""
    for sha256 in sha256s:
        path_of(root, sha256).unlink(missing_ok=True)


def _folders(root: Path, sha256s: Iterable[str]) -> set[Path]:
    """Returns the folders that these blobs lie in; also of those that another upload has just written."""
    return {root / sha256[:2] for sha256 in sha256s}


def _write_missing(root: Path, sha256: str, data: bytes) -> tuple[Path, Path] | None:
    """Writes a blob that is not there under a temporary name; returns that and where it belongs, None otherwise."""
    path = path_of(root, sha256)
    return None if _keep_present(path, data) else (write_temporary(incoming_folder(root), data), path)


def _is_older(path: Path, before: float) -> bool:
    try:
        return path.stat().st_mtime < before
    except FileNotFoundError:
        # Found damaged and removed meanwhile.
        return False


def _keep_present(path: Path, data: bytes) -> bool:
    """Tells whether the blob is there, and whole, and makes it young, so that the collector leaves it for now."""
    try:
        if path.read_bytes() != data:
            return False
        os.utime(path)
    except OSError:
        # Gone, or it cannot be read: then it is worth no more.
        return False
    return True
