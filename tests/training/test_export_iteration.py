"""Exported models."""

import asyncio
import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from customvision.v1 import training_service_pb2
from training_suite import TrainingSuite

# Keras stays out of the tests' own process, as it stays out of the services'.
ASK = """
import sys, keras, numpy, tensorflow as tf
folder, kind, size = sys.argv[1:]
pixels = numpy.zeros((1, int(size), int(size), 3), "float32") + numpy.array([200, 40, 40], "float32")
if kind == "keras":
    answer = keras.models.load_model(folder + "/model.keras").predict(pixels, verbose=0)[0]
else:
    loaded = tf.saved_model.load(folder + "/saved_model")
    answer = loaded.serve(pixels).numpy()[0]
print(*answer.tolist())
"""


def ask(folder: Path, kind: str) -> list[float]:
    """Returns the probabilities that an unpacked export answers for a red picture, in a process of its own."""
    size = re.search(r"float32\[n, (\d+), \1, 3\]", (folder / "README.md").read_text())
    assert size is not None
    answer = subprocess.run(
        [sys.executable, "-c", ASK, str(folder), kind, size.group(1)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return [float(value) for value in answer.stdout.split()]


@pytest.mark.parametrize(
    ("export_format", "kind"),
    [(training_service_pb2.EXPORT_FORMAT_KERAS, "keras"), (training_service_pb2.EXPORT_FORMAT_SAVED_MODEL, "saved")],
)
async def test_export_answers_by_itself(
    suite: TrainingSuite,
    tmp_path: Path,
    export_format: training_service_pb2.ExportFormat.ValueType,
    kind: str,
) -> None:
    """The zip holds a model that plain Keras or TensorFlow runs, with labels and a description, and nothing else."""
    project_id, _ = await suite.colored_project(per_tag=10)
    run = await suite.finished(await suite.start(project_id))
    request = training_service_pb2.ExportIterationRequest(
        project_id=project_id, iteration_id=run.iteration_id, format=export_format
    )
    chunks = [chunk async for chunk in suite.training.ExportIteration(request)]
    assert chunks[0].file_name.startswith("iteration-1-")
    assert max(len(chunk.data) for chunk in chunks) <= 1024 * 1024
    with zipfile.ZipFile(io.BytesIO(b"".join(chunk.data for chunk in chunks))) as archive:
        archive.extractall(tmp_path / "export")
    folder = tmp_path / "export"
    assert (folder / "labels.txt").read_text() == "color 0\ncolor 1\n"
    assert "0 to 255" in (folder / "README.md").read_text()
    assert json.loads((folder / "manifest.json").read_text())["labels"][0]["tag_name"] == "color 0"
    probabilities = await asyncio.to_thread(ask, folder, kind)
    assert sum(probabilities) == pytest.approx(1, abs=1e-5)
    assert len(probabilities) == 2
    assert not list((suite.settings.home / "training").glob(".tmp-export-*"))
