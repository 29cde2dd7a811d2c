"""The files of kept exports."""

import os
import uuid
from collections.abc import Collection
from pathlib import Path

from customvision.common.durable_files import fsync_folder, make_folder_durably


class ExportFiles:
    """Zips in a folder of their own, under names that say nothing. For threads: all of it is file work."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is made when the first file comes."""
        self._folder = folder

    def keep(self, file: Path) -> tuple[str, int]:
        """Moves ``file``, which is on the same disk, here, durably; returns its name here and its size in bytes."""
        with file.open("rb") as content:
            os.fsync(content.fileno())
            size_bytes = os.fstat(content.fileno()).st_size
        make_folder_durably(self._folder)
        name = f"{uuid.uuid4().hex}.zip"
        file.rename(self._folder / name)
        fsync_folder(self._folder)
        return name, size_bytes

    def path(self, name: str) -> Path:
        """Returns where the file of that name is, or was."""
        return self._folder / name

    def names(self) -> set[str]:
        """Returns the names of all files."""
        return {file.name for file in self._folder.glob("*")}

    def remove_all_but(self, names: Collection[str]) -> None:
        """Removes the files that have other names."""
        for name in self.names().difference(names):
            self.path(name).unlink(missing_ok=True)
