"""Image files on this machine: reading them, and what an upload made of them."""

import enum
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc

from customvision.client.errors import CustomVisionError
from customvision.v1 import images_pb2

MAX_IMAGE_BYTES = 6 * 1024 * 1024
MAX_BATCH_IMAGES = 200
MAX_BATCH_BYTES = 24 * 1024 * 1024
MAX_FILE_NAME = 255


class Outcome(enum.Enum):
    """What became of a file."""

    CREATED = "created"
    ALREADY_THERE = "already there"
    REFUSED = "refused"


@dataclass(frozen=True)
class UploadedImage:
    """What became of one file of an upload.

    ``sha256`` is of the file's bytes, empty where it could not be read; ``image_id`` is empty where refused;
    ``message`` says what is wrong with a refused file; ``status`` is the service's own, UNSPECIFIED where it never
    saw the file.
    """

    path: Path
    outcome: Outcome
    sha256: str = ""
    image_id: str = ""
    message: str = ""
    status: "images_pb2.ImageCreateStatus.ValueType" = images_pb2.IMAGE_CREATE_STATUS_UNSPECIFIED


@dataclass(frozen=True)
class ImageFile:
    """A file that was read: its bytes and their SHA-256."""

    path: Path
    data: bytes
    sha256: str

    @property
    def name(self) -> str:
        """The file's name as the service takes it: valid Unicode, at most 255 characters."""
        return self.path.name.encode("utf-8", "replace").decode()[-MAX_FILE_NAME:]


def read_image(path: Path) -> ImageFile:
    """Reads a file. Raises CustomVisionError: FILE_UNREADABLE, IMAGE_SIZE_INVALID."""
    try:
        if not path.is_file():
            raise _unreadable(path, "it is not a file" if path.exists() else "there is no such file")
        size = path.stat().st_size
        if size > MAX_IMAGE_BYTES:
            raise CustomVisionError(
                "IMAGE_SIZE_INVALID",
                f"The image has {size:,} bytes; at most {MAX_IMAGE_BYTES:,} (6 MiB) are accepted. Save it smaller.",
                grpc.StatusCode.INVALID_ARGUMENT,
            )
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    return ImageFile(path, data, hashlib.sha256(data).hexdigest())


def read_images(paths: Iterable[Path]) -> list[ImageFile | UploadedImage]:
    """Reads files, in order; one that cannot be read is answered as refused."""
    return [_read_or_refuse(path) for path in paths]


def batches(paths: Iterable[Path]) -> Iterator[list[Path]]:
    """Splits files into batches of at most 200 and, by their size on disk, 24 MiB."""
    batch: list[Path] = []
    batch_bytes = 0
    for path in paths:
        size = min(_size(path), MAX_IMAGE_BYTES)
        if batch and (len(batch) == MAX_BATCH_IMAGES or batch_bytes + size > MAX_BATCH_BYTES):
            yield batch
            batch, batch_bytes = [], 0
        batch.append(path)
        batch_bytes += size
    if batch:
        yield batch


def _read_or_refuse(path: Path) -> ImageFile | UploadedImage:
    try:
        return read_image(path)
    except CustomVisionError as error:
        return UploadedImage(path, Outcome.REFUSED, message=error.message)


def _unreadable(path: Path, why: str) -> CustomVisionError:
    message = f"The file cannot be read: {why}."
    return CustomVisionError("FILE_UNREADABLE", message, grpc.StatusCode.INVALID_ARGUMENT, {"path": repr(str(path))})


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
