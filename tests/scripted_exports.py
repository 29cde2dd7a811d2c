"""Exports of an iteration that a project service scripts, built by a process that needs no Keras."""

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from customvision.training.evaluation.performance import Evaluation
from customvision.training.export import exporter
from customvision.training.export.pieces import PIECE_BYTES
from customvision.v1 import artifacts_pb2, images_pb2, iterations_pb2
from scripted_server import ScriptedCall

MODULE = "export_of_test"
PROGRAM = """
import os, signal, time
from pathlib import Path
from customvision.training.children.child import run_child
from customvision.training.export.working_folder import ZIP_FILE

def build(request, reports):
    folder = Path(request["folder"])
    {work}

run_child(build)
"""
BUILD = f"(folder / ZIP_FILE).write_bytes(b'x' * {3 * PIECE_BYTES}); reports.send('built')"
WAIT = "(folder.parent / 'begun').touch(); time.sleep(600)"
FOUND = ("image 1", "image 3")
EVALUATION = Evaluation(
    image_ids=("image 1", "image 2", "image 3"),
    tag_ids=("1", "2"),
    tag_names=("one", "two"),
    image_counts=(9, 6),
    multilabel=False,
    truth=np.eye(3, 2, dtype=np.uint8),
    probabilities=np.full((3, 2), 0.5, np.float32),
).to_bytes()
STORED = {hashlib.sha256(data).hexdigest(): data for data in (b"model", b"backbone", b"weights", EVALUATION)}


def iteration_of(digests: Iterable[str]) -> iterations_pb2.Iteration:
    """Returns a completed iteration whose model, backbone, weights and evaluation have these digests."""
    model, backbone, weights, evaluation = digests
    return iterations_pb2.Iteration(
        status=iterations_pb2.ITERATION_STATUS_COMPLETED,
        project_id="project",
        iteration_id="iteration",
        name="Iteration 1",
        number=1,
        artifacts=iterations_pb2.IterationArtifacts(
            model_sha256=model,
            backbone_sha256=backbone,
            backbone_weights_sha256=weights,
            evaluation_sha256=evaluation,
        ),
    )


def artifact(call: ScriptedCall) -> Iterator[artifacts_pb2.ArtifactChunk]:
    """Answers an artifact."""
    yield artifacts_pb2.ArtifactChunk(data=STORED[call.request.sha256])


def images(call: ScriptedCall) -> Iterator[images_pb2.ImageContentChunk]:
    """Answers the images that are still there, in two pieces each."""
    for image_id in call.request.image_ids:
        if image_id in FOUND:
            yield images_pb2.ImageContentChunk(image_id=image_id, data=b"first half, ")
            yield images_pb2.ImageContentChunk(image_id=image_id, data=image_id.encode(), last=True)
        else:
            yield images_pb2.ImageContentChunk(image_id=image_id, missing=True, last=True)


SCRIPTS: dict[str, Callable[[ScriptedCall], Any]] = {
    "GetIteration": lambda _: iteration_of(STORED),
    "GetArtifact": artifact,
    "DownloadImages": images,
}

ExportChild = Callable[[str], None]


def export_child_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ExportChild:
    """Returns a function that sets what the process of an export does; ``folder`` and ``reports`` are at hand."""
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=":")
    monkeypatch.setattr(exporter, "MODULE", MODULE)

    def write(work: str) -> None:
        (folder / f"{MODULE}.py").write_text(PROGRAM.format(work=work))

    return write


def exporting_processes() -> list[psutil.Process]:
    """Returns the processes below this one that build an export."""
    return [child for child in psutil.Process().children() if _builds(child)]


def _builds(process: psutil.Process) -> bool:
    # A process may end while it is looked at.
    with contextlib.suppress(psutil.NoSuchProcess):
        return MODULE in process.cmdline()
    return False
