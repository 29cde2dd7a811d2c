"""How exports share the machine and how they fail, built by a child that needs no Keras."""

import asyncio
import hashlib
import subprocess
from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from customvision.common.errors import ServiceError, StorageFull
from customvision.training.export.export_format import ExportFormat
from customvision.training.export.exporter import Exporter
from customvision.v1 import artifacts_pb2
from models import backbone, model
from scripted_exports import (
    BUILD,
    EVALUATION,
    SCRIPTS,
    STORED,
    WAIT,
    ExportChild,
    exporting_processes,
    iteration_of,
)
from scripted_project import training_parts
from scripted_server import ScriptedCall


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder of 1 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    try:
        command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a small disk needs the right to mount one ({error})")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


async def export(folder: Path, scripts: dict[str, Callable[[ScriptedCall], Any]] = SCRIPTS) -> bytes:
    """Returns the zip of an export, and checks that nothing else of it is left."""
    async with training_parts(folder, scripts) as parts, asyncio.timeout(30):
        exports = Exporter(parts.iterations, folder)
        try:
            pieces = [piece.data async for piece in exports.export("project", "iteration", ExportFormat.ONNX)]
        finally:
            assert leftovers(folder) == []
    return b"".join(pieces)


async def failure(folder: Path, scripts: dict[str, Callable[[ScriptedCall], Any]] = SCRIPTS) -> ServiceError:
    """Returns the error of an export that fails."""
    with pytest.raises(ServiceError) as error:
        await export(folder, scripts)
    return error.value


async def test_stalled_reader_holds_up_nobody(tmp_path: Path, export_child: ExportChild) -> None:
    """While one export is read slowly, another is built and read; nothing of either is left behind."""
    export_child(BUILD)
    async with training_parts(tmp_path, SCRIPTS) as parts:
        exports = Exporter(parts.iterations, tmp_path)
        async with aclosing(exports.export("project", "iteration", ExportFormat.KERAS)) as stalled:
            assert (await anext(stalled)).file_name == "iteration-1-keras.zip"
            async with asyncio.timeout(20):
                names = [piece.file_name async for piece in exports.export("project", "iteration", ExportFormat.ONNX)]
            assert names == ["iteration-1-onnx.zip", "", ""]
    assert leftovers(tmp_path) == []


async def test_the_child_gets_the_images_that_are_there(tmp_path: Path, export_child: ExportChild) -> None:
    """Held-out images come whole, in their order and with their ids; those deleted meanwhile are left out."""
    export_child(
        "files = sorted((folder / 'images').iterdir()); "
        "made = [(folder / 'image_ids.json').read_text(), *(file.read_text() for file in files)]; "
        "(folder / ZIP_FILE).write_text('|'.join(made)); reports.send('built')"
    )
    assert await export(tmp_path) == b'["image 1", "image 3"]|first half, image 1|first half, image 3'


@pytest.mark.parametrize(
    ("work", "reason", "words"),
    [
        ("reports.send('differs', cause='It is off by 0.5.')", "EXPORT_DIFFERS", "off by 0.5. Nothing was exported"),
        ("reports.send('damaged', cause='No zip.')", "MODEL_DAMAGED", "'Iteration 1' is damaged (No zip). Restore"),
        ("reports.send('network_unknown', cause='A layer X.')", "EXPORT_FAILED", "A layer X. Export another format."),
        ("reports.send('disk_full', cause='28')", "STORAGE_FULL", "The disk is full"),
        ("raise RuntimeError('on purpose')", "EXPORT_FAILED", "could not be built"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "EXPORT_FAILED", "killed (signal 9); the machine may be short"),
    ],
)
async def test_every_failure_has_a_reason(
    tmp_path: Path, export_child: ExportChild, work: str, reason: str, words: str
) -> None:
    """A process that cannot build the export ends in an error that says why, and leaves nothing behind."""
    export_child(work)
    error = await failure(tmp_path)
    assert error.reason == reason
    assert words in error.message


async def test_an_artifact_with_other_content_is_refused(tmp_path: Path, export_child: ExportChild) -> None:
    """What does not match its digest is not exported."""
    export_child(BUILD)
    damaged = {**SCRIPTS, "GetArtifact": lambda _: iter([artifacts_pb2.ArtifactChunk(data=b"other")])}
    error = await failure(tmp_path, damaged)
    assert (error.reason, error.metadata) == ("MODEL_DAMAGED", {"iteration_id": "iteration"})


@pytest.mark.parametrize("room", [-1, 8, 16, 24, 32, 40])
async def test_a_full_disk_is_told(small_disk: Path, tmp_path: Path, room: int) -> None:
    """Whichever file finds no room (after the weights so many KiB are left), the caller hears of the full disk."""
    made = (model().to_bytes(), backbone().to_bytes(), bytes(1024 * (1024 - room)), EVALUATION)
    digests = [hashlib.sha256(data).hexdigest() for data in made]
    stored = dict(zip(digests, made, strict=True))
    scripts = {
        **SCRIPTS,
        "GetIteration": lambda _: iteration_of(digests),
        "GetArtifact": lambda call: iter([artifacts_pb2.ArtifactChunk(data=stored[call.request.sha256])]),
    }
    async with training_parts(tmp_path, scripts) as parts, asyncio.timeout(60):
        with pytest.raises(StorageFull):
            await anext(Exporter(parts.iterations, small_disk).export("project", "iteration", ExportFormat.OPENVINO))
    assert leftovers(small_disk) == []


async def test_a_model_that_is_none_is_named(tmp_path: Path) -> None:
    """Artifacts that match their digests and still cannot be read end in the sentence of a damaged model."""
    error = await failure(tmp_path)
    assert error.reason == "MODEL_DAMAGED"
    assert "is not an artifact, or it is damaged" in error.message


async def test_an_evaluation_that_is_none_is_named(tmp_path: Path) -> None:
    """The list of held-out images is read before anything is built; one that is damaged is told too."""
    digests = [*list(STORED)[:3], next(iter(STORED))]
    error = await failure(tmp_path, {**SCRIPTS, "GetIteration": lambda _: iteration_of(digests)})
    assert error.reason == "MODEL_DAMAGED"
    assert "its evaluation cannot be read" in error.message


async def test_a_caller_who_leaves_ends_the_process(tmp_path: Path, export_child: ExportChild) -> None:
    """An export that nobody waits for ends at once with its process and its files, and the next one is built."""
    export_child(WAIT)
    async with training_parts(tmp_path, SCRIPTS) as parts, asyncio.timeout(30):
        exports = Exporter(parts.iterations, tmp_path)
        building = asyncio.create_task(anext(exports.export("project", "iteration", ExportFormat.KERAS)))
        waiting = asyncio.create_task(anext(exports.export("project", "iteration", ExportFormat.KERAS)))
        while not (tmp_path / "begun").exists():
            await asyncio.sleep(0.02)
        (process,) = exporting_processes()
        for task in (waiting, building):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert not process.is_running()
        assert leftovers(tmp_path) == []
        export_child(BUILD)
        piece = await anext(exports.export("project", "iteration", ExportFormat.KERAS))
        assert piece.file_name == "iteration-1-keras.zip"


def leftovers(folder: Path) -> list[Path]:
    """Returns what an export left behind."""
    return list(folder.glob(".tmp-*"))
