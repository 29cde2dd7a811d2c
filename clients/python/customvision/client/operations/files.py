"""Streams of bytes that end as files on this machine."""

import contextlib
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import grpc

from customvision.client.errors import CustomVisionError
from customvision.client.steps import Next, Open, Steps, Work
from customvision.v1 import images_pb2, training_service_pb2


def export_iteration(
    project_id: str,
    iteration_id: str,
    export_format: "training_service_pb2.ExportFormat.ValueType",
    target: Path,
    overwrite: bool,
) -> Steps[Path]:
    """Writes the zip of an exported iteration to ``target``, or into it under the suggested name where it is a folder.

    Returns the path written. A file appears whole or not at all. Raises CustomVisionError, also where there is a file
    and not ``overwrite``.
    """
    request = training_service_pb2.ExportIterationRequest(
        project_id=project_id, iteration_id=iteration_id, format=export_format
    )
    return (yield from _receive("training", "ExportIteration", request, target, overwrite))


def download_image(project_id: str, image_id: str, target: Path, overwrite: bool) -> Steps[Path]:
    """Writes an image's stored bytes to ``target``, or into it, named for its id, where it is a folder.

    Returns the path written. Raises CustomVisionError, also where there is a file and not ``overwrite``.
    """
    request = images_pb2.GetImageContentRequest(project_id=project_id, image_id=image_id)
    return (yield from _receive("project", "GetImageContent", request, target, overwrite))


def _receive(service: str, method: str, request: object, target: Path, overwrite: bool) -> Steps[Path]:
    if not overwrite:
        # Told before the service takes any trouble.
        yield Work(partial(_check_free, target))
    stream = yield Open(service, method, request)
    part = None
    try:
        piece = yield Next(stream)
        part = yield Work(partial(_PartFile, target, _suggested_name(piece), overwrite))
        while piece is not None:
            yield Work(partial(part.write, piece.data))
            piece = yield Next(stream)
        yield Work(part.keep)
    finally:
        stream.cancel()
        if part is not None:
            part.discard()
    path: Path = part.path
    return path


def _suggested_name(piece: images_pb2.ImageContentChunk | training_service_pb2.ExportChunk | None) -> str:
    if piece is None:
        return ""
    if isinstance(piece, training_service_pb2.ExportChunk):
        # Only the last part: a name from afar must not lead out of the folder.
        return Path(piece.file_name.replace("\\", "/")).name
    return f"{piece.image_id}.{'png' if piece.content_type == 'image/png' else 'jpg'}"


def _check_free(path: Path) -> None:
    """Raises CustomVisionError where there is a file at ``path``; a folder is none."""
    if path.exists() and not path.is_dir():
        message = f"The file {path} exists already. Name another one, or overwrite it."
        raise CustomVisionError("FILE_EXISTS", message, grpc.StatusCode.ALREADY_EXISTS)


class _PartFile:
    """A file under a temporary name of its own until it is whole. Every method but discard raises CustomVisionError."""

    def __init__(self, target: Path, suggested_name: str, overwrite: bool) -> None:
        self.path = target / (suggested_name or "export.zip") if target.is_dir() else target
        if not overwrite:
            _check_free(self.path)
        # Not the process's id: several downloads of one process may write here at once.
        self._temporary = self.path.with_name(f".customvision-{uuid.uuid4().hex}.part")
        with self._told_errors():
            self._file = self._temporary.open("xb")

    def write(self, data: bytes) -> None:
        """Adds bytes to the file."""
        with self._told_errors():
            self._file.write(data)

    def keep(self) -> None:
        """Gives the file its name, in place of one that has it."""
        with self._told_errors():
            self._file.close()
            self._temporary.replace(self.path)

    def discard(self) -> None:
        """Removes what was not kept."""
        # Closing a file may write, and so fail, once more.
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._temporary.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _told_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            message = f"The file {self.path} cannot be written ({error.strerror})."
            raise CustomVisionError("FILE_NOT_WRITABLE", message, grpc.StatusCode.FAILED_PRECONDITION) from error
