"""Where `export` and `images download` write, and what they leave alone, against scripted services."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from command_line import CommandLine
from customvision.v1 import images_pb2, iterations_pb2, projects_pb2
from customvision.v1 import training_service_pb2 as training
from scripted_server import ScriptedCall, ScriptedServer

IMAGE = "33333333-3333-4333-8333-333333333333"
EXPORT = ("export", "1", "-p", "flowers")
DOWNLOAD = ("images", "download", IMAGE, "-p", "flowers")


def exported(_: ScriptedCall) -> Iterator[training.ExportChunk]:
    """Answers a zip with nothing but its report."""
    parity = {
        "compared_count": 4,
        "image_source": "images",
        "same_likeliest_tag_count": 4,
        "maximum_difference": 0.0,
    }
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        archive.writestr("parity.json", json.dumps(parity))
    yield training.ExportChunk(file_name="flowers-1.zip", data=buffer.getvalue())


SCRIPTS = {
    "ListProjects": lambda _: projects_pb2.ListProjectsResponse(
        projects=[projects_pb2.Project(project_id="p", name="flowers")]
    ),
    "ListIterations": lambda _: iterations_pb2.ListIterationsResponse(
        iterations=[iterations_pb2.Iteration(iteration_id="i", name="Iteration 1", number=1)]
    ),
    "ExportIteration": exported,
    "GetImageContent": lambda _: iter([images_pb2.ImageContentChunk(image_id=IMAGE, data=b"photo")]),
}


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A suite with one project, one iteration and one image."""
    with ScriptedServer(SCRIPTS) as server:
        yield server


@pytest.fixture
def connected(command_line: CommandLine, server: ScriptedServer) -> CommandLine:
    """The command line on that suite."""
    command_line.connect(project=server.address, training=server.address)
    return command_line


def test_a_model_is_exported_for_keras_to_the_file_that_is_named(
    connected: CommandLine, server: ScriptedServer, tmp_path: Path
) -> None:
    """`export` without a format asks for a Keras file and writes it where it is told to."""
    output, _ = connected.run(*EXPORT, "-o", tmp_path / "model.zip")
    assert output.replace("\n", "") == str(tmp_path / "model.zip")
    assert [path.name for path in tmp_path.glob("*.zip")] == ["model.zip"]
    (call,) = server.calls["ExportIteration"]
    assert call.request.format == training.EXPORT_FORMAT_KERAS


def test_a_path_that_ends_as_folders_do_is_made_one(connected: CommandLine, tmp_path: Path) -> None:
    """A missing folder with a slash behind it is made, with its parents, and gets the file under its own name."""
    output, _ = connected.run(*EXPORT, "-o", f"{tmp_path}/new/models/")
    written = tmp_path / "new" / "models" / "flowers-1.zip"
    assert output.replace("\n", "") == str(written)
    assert ZipFile(written).namelist() == ["parity.json"]
    (tmp_path / "file").touch()
    assert "cannot be made" in connected.fail(*DOWNLOAD, "-o", f"{tmp_path}/file/")


@pytest.mark.parametrize(("command", "name"), [(EXPORT, "flowers-1.zip"), (DOWNLOAD, f"{IMAGE}.jpg")])
def test_a_file_that_is_there_stays(
    connected: CommandLine, tmp_path: Path, command: tuple[str, ...], name: str
) -> None:
    """A file of the same name is replaced only where the user says so; else a sentence names the option."""
    kept = tmp_path / name
    for target in (kept, tmp_path):
        kept.write_text("mine")
        told = connected.fail(*command, "-o", target)
        assert told == f"The file {kept} exists already. Name another one, or overwrite it with --overwrite."
        assert kept.read_text() == "mine"
    connected.run(*command, "-o", tmp_path, "--overwrite")
    assert kept.read_bytes() != b"mine"
