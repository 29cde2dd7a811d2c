"""Streams of bytes that end as files on this machine."""

import os
from functools import partial
from pathlib import Path

import grpc

from customvision.client.errors import CustomVisionError
from customvision.client.steps import Next, Open, Steps, Work
from customvision.v1 import images_pb2, training_service_pb2


def export_iteration(
    project_id: str, iteration_id: str, export_format: "training_service_pb2.ExportFormat.ValueType", target: Path
) -> Steps[Path]:
    """Writes the zip of an exported iteration to ``target``, or into it under the suggested name where it is a folder.

    Returns the path written. A file appears whole or not at all. Raises CustomVisionError.
    """
    request = training_service_pb2.ExportIterationRequest(
        project_id=project_id, iteration_id=iteration_id, format=export_format
    )
    return (yield from _receive("training", "ExportIteration", request, target))


def download_image(project_id: str, image_id: str, target: Path) -> Steps[Path]:
    """Writes an image's stored bytes to ``target``, or into it, named for its id, where it is a folder.

    Returns the path written. Raises CustomVisionError.
    """
    request = images_pb2.GetImageContentRequest(project_id=project_id, image_id=image_id)
    return (yield from _receive("project", "GetImageContent", request, target))


def _receive(service: str, method: str, request: object, target: Path) -> Steps[Path]:
    stream = yield Open(service, method, request)
    pieces = []
    name = ""
    try:
        while (piece := (yield Next(stream))) is not None:
            name = name or _suggested_name(piece)
            pieces.append(piece.data)
    finally:
        stream.cancel()
    path: Path = yield Work(partial(_write, target, name, pieces))
    return path


def _suggested_name(piece: images_pb2.ImageContentChunk | training_service_pb2.ExportChunk) -> str:
    if isinstance(piece, training_service_pb2.ExportChunk):
        # Only the last part: a name from afar must not lead out of the folder.
        return Path(piece.file_name.replace("\\", "/")).name
    return f"{piece.image_id}.{'png' if piece.content_type == 'image/png' else 'jpg'}"


def _write(target: Path, suggested_name: str, pieces: list[bytes]) -> Path:
    path = target / (suggested_name or "export.zip") if target.is_dir() else target
    temporary = path.with_name(f".customvision-{os.getpid()}.part")
    try:
        with temporary.open("xb") as file:
            file.writelines(pieces)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        message = f"The file {path} cannot be written ({error.strerror})."
        raise CustomVisionError("FILE_NOT_WRITABLE", message, grpc.StatusCode.FAILED_PRECONDITION) from error
    return path
