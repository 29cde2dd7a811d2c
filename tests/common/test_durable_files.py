"""Files and folders that are whole or absent."""

import os
import stat
from pathlib import Path

import pytest

from customvision.common.durable_files import (
    make_folder_durably,
    remove_temporary_files,
    write_durably,
    write_temporary,
)


def test_replaces_a_file_as_a_whole(tmp_path: Path) -> None:
    """The new content stands under the name, private, with nothing temporary beside it."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    write_durably(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_fsyncs_the_bytes_before_the_name_and_the_name_before_it_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut at any moment leaves the old file or the new one."""
    steps: list[str] = []
    real_fsync, real_rename = os.fsync, Path.rename

    def fsync(descriptor: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        real_fsync(descriptor)

    def rename(self: Path, target: Path) -> Path:
        steps.append("rename")
        return real_rename(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", rename)
    write_durably(tmp_path / "file", b"data")
    assert steps == ["file", "rename", "folder"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk fails, what was there stays."""
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(_: int) -> None:
        raise OSError("disk")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk"):
        write_durably(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_makes_folders_with_their_parents_and_again(tmp_path: Path) -> None:
    """Missing parents are made; making what exists changes nothing."""
    folder = tmp_path / "a" / "b" / "c"
    make_folder_durably(folder)
    make_folder_durably(folder)
    assert folder.is_dir()


def test_removes_leftovers_only(tmp_path: Path) -> None:
    """What an interrupted write left goes, wherever it lies below; everything else stays."""
    kept = tmp_path / "kept"
    kept.write_bytes(b"")
    (tmp_path / "sub").mkdir()
    write_temporary(tmp_path, b"1")
    write_temporary(tmp_path / "sub", b"2")
    assert remove_temporary_files(tmp_path) == 2
    assert sorted(tmp_path.iterdir()) == [kept, tmp_path / "sub"]
