"""A folder of photos: one sub-folder per class."""

from dataclasses import dataclass
from pathlib import Path

from customvision.cli.display.console import counted
from customvision.cli.failures import Failure

MAX_NAME = 128
LAYOUT = "It needs one sub-folder per class, each with the photos of that class."


@dataclass(frozen=True)
class PhotoFolder:
    """The classes of a folder by name, each with its files in order, and sentences about what was left out."""

    path: Path
    classes: dict[str, list[Path]]
    remarks: list[str]

    @property
    def name(self) -> str:
        """The folder's own name, also where it was given as a dot."""
        return self.path.resolve().name

    @property
    def file_count(self) -> int:
        """How many files the classes have together."""
        return sum(len(files) for files in self.classes.values())


def read_photo_folder(path: Path) -> PhotoFolder:
    """Reads which classes and files a folder holds; hidden ones are passed over. Raises Failure."""
    if not path.exists():
        raise Failure(f"There is no folder {path}.")
    if not path.is_dir():
        raise Failure(f"{path} is a file. Give the folder that holds the photos. {LAYOUT}")
    try:
        return _read(path)
    except OSError as error:
        raise Failure(f"{error.filename} cannot be read ({error.strerror}).") from error


def _read(path: Path) -> PhotoFolder:
    classes = {}
    remarks = []
    for folder in (entry for entry in _visible(path) if entry.is_dir()):
        if len(folder.name) > MAX_NAME:
            raise Failure(
                f"The folder {folder.name[:40]}… has a name of {len(folder.name)} characters, "
                f"and a tag's name may have {MAX_NAME}. Rename it."
            )
        files = [entry for entry in _visible(folder) if entry.is_file()]
        remarks += [f"{entry} left out: it is no file." for entry in _visible(folder) if _is_special(entry)]
        if files:
            classes[folder.name] = files
        else:
            remarks.append(f"{folder.name} left out: it holds no files.")
        deeper = sum(entry.is_dir() for entry in _visible(folder))
        if deeper:
            remarks.append(f"{counted(deeper, 'folder')} inside {folder.name} left out: classes are one level deep.")
    loose = sum(entry.is_file() for entry in _visible(path))
    if not classes:
        raise Failure(f"{path} has no class to learn: no sub-folder with photos. {LAYOUT}")
    if loose:
        remarks.append(f"{counted(loose, 'file')} beside the class folders left out.")
    return PhotoFolder(path, classes, remarks)


def _is_special(entry: Path) -> bool:
    """Tells a link that leads nowhere, a pipe and the like from files and folders."""
    return not entry.is_file() and not entry.is_dir()


def _visible(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
