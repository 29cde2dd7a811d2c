"""Files that survive a power cut: written under a temporary name, fsynced, renamed, and the folder fsynced."""

import os
import uuid
from pathlib import Path

TEMPORARY_PREFIX = ".tmp-"


def write_durably(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Writes ``data`` so that ``path`` holds all of it or what it held before, also after a power cut."""
    temporary = write_temporary(path.parent, data, mode=mode)
    temporary.rename(path)
    fsync_folder(path.parent)


def write_temporary(folder: Path, data: bytes, *, mode: int = 0o600) -> Path:
    """Writes and fsyncs ``data`` under a temporary name in ``folder``, for the caller to rename."""
    temporary = folder / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def make_folder_durably(folder: Path) -> None:
    """Makes ``folder`` and missing parents, and fsyncs every folder that got a new entry."""
    missing = [folder, *folder.parents]
    missing = missing[: next(index for index, candidate in enumerate(missing) if candidate.is_dir())]
    for candidate in reversed(missing):
        candidate.mkdir(mode=0o700, exist_ok=True)
        fsync_folder(candidate.parent)


def fsync_folder(folder: Path) -> None:
    """Makes the folder's entries (new names, renames) durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_temporary_files(folder: Path) -> int:
    """Removes what interrupted writes left below ``folder``; returns how many files."""
    leftovers = list(folder.rglob(f"{TEMPORARY_PREFIX}*"))
    for leftover in leftovers:
        leftover.unlink(missing_ok=True)
    return len(leftovers)
