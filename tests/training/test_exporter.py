"""How exports share the machine, built by a child that needs no Keras."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from customvision.training.export import exporter
from customvision.training.export.exporter import PIECE_BYTES, Exporter, ExportFormat
from customvision.v1 import artifacts_pb2, iterations_pb2
from scripted_project import training_parts

PROGRAM = f"""
from pathlib import Path
from customvision.training.child import run_child

def build(request, reports):
    (Path(request["folder"]) / "export.zip").write_bytes(b"x" * {3 * PIECE_BYTES})

run_child(build)
"""
SCRIPTS = {
    "GetIteration": lambda _: iterations_pb2.Iteration(status=iterations_pb2.ITERATION_STATUS_COMPLETED, number=1),
    "GetArtifact": lambda _: iter([artifacts_pb2.ArtifactChunk(data=b"x")]),
}


async def test_stalled_reader_holds_up_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one export is read slowly, another is built and read; nothing of either is left behind."""
    (tmp_path / "export_of_test.py").write_text(PROGRAM)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(exporter, "MODULE", "export_of_test")
    async with training_parts(tmp_path, SCRIPTS) as parts:
        exports = Exporter(parts.iterations, tmp_path)
        async with aclosing(exports.export("project", "iteration", ExportFormat.KERAS)) as stalled:
            assert (await anext(stalled)).file_name == "iteration-1-keras.zip"
            async with asyncio.timeout(20):
                pieces = [piece async for piece in exports.export("project", "iteration", ExportFormat.KERAS)]
            assert len(pieces) == 3
    assert leftovers(tmp_path) == []


def leftovers(folder: Path) -> list[Path]:
    """Returns what an export left behind."""
    return list(folder.glob(".tmp-*"))
