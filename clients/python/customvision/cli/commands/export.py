"""``export``: an iteration's model as a file for other programs."""

import enum
import json
from pathlib import Path
from typing import Annotated, Any
from zipfile import ZipFile

import typer

from customvision.cli.connection import connect, find_iteration
from customvision.cli.display.console import notes, output, printable
from customvision.cli.options import ProjectOption
from customvision.cli.output_file import OutputOption, OverwriteOption, target_of, told_how_to_overwrite
from customvision.v1 import training_service_pb2


class Format(enum.StrEnum):
    """A file format of exports."""

    KERAS = "keras"
    SAVED_MODEL = "saved-model"
    LITERT = "litert"
    LITERT_FLOAT16 = "litert-float16"
    ONNX = "onnx"
    OPENVINO = "openvino"


FORMATS = {
    Format.KERAS: training_service_pb2.EXPORT_FORMAT_KERAS,
    Format.SAVED_MODEL: training_service_pb2.EXPORT_FORMAT_SAVED_MODEL,
    Format.LITERT: training_service_pb2.EXPORT_FORMAT_LITERT,
    Format.LITERT_FLOAT16: training_service_pb2.EXPORT_FORMAT_LITERT_FLOAT16,
    Format.ONNX: training_service_pb2.EXPORT_FORMAT_ONNX,
    Format.OPENVINO: training_service_pb2.EXPORT_FORMAT_OPENVINO,
}


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""
    app.command()(export)


def export(
    iteration: Annotated[
        str, typer.Argument(metavar="ITERATION", help="Name, number, id or publish name.", show_default=False)
    ],
    project: ProjectOption,
    export_format: Annotated[Format, typer.Option("--format", help="The format of the model.")] = Format.KERAS,
    output_path: OutputOption = "",
    overwrite: OverwriteOption = False,
) -> None:
    """Write an iteration's model as a zip, to use it elsewhere. It was compared with what the service answers."""
    with connect() as client:
        found = find_iteration(client, client.find_project(project).project_id, iteration)
        doing = f"building '{found.name}' for {export_format} and comparing it with the service, up to a minute"
        target, chosen = target_of(output_path), FORMATS[export_format]
        with notes.status(printable(doing)), told_how_to_overwrite():
            path = client.export_iteration(found.project_id, found.iteration_id, target, chosen, overwrite=overwrite)
    output.print(printable(path))
    notes.print(printable(_parity_words(path)))


def _parity_words(path: Path) -> str:
    """Returns in a sentence how close the exported model in a zip comes to the service."""
    with ZipFile(path) as archive:
        parity: dict[str, Any] = json.loads(archive.read("parity.json"))
    return (
        f"Compared with the service on {parity['compared_count']} {parity['image_source']}: the same likeliest tag for "
        f"{parity['same_likeliest_tag_count']}, probabilities at most {parity['maximum_difference']:.2g} apart."
    )
