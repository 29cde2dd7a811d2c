"""Exported models: each format by itself, as its README tells to use it."""

import asyncio
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest
import pytest_asyncio
from PIL import Image

from customvision.common.keys import Keys
from customvision.training.evaluation.performance import Evaluation
from customvision.v1 import artifacts_pb2, images_pb2, iterations_pb2, training_service_pb2
from customvision.vision.artifacts import BackboneArtifact, ModelArtifact
from customvision.vision.decoding import EXIF_ORIENTATION, decode_for_backbone
from customvision.vision.trunk import Trunk
from pictures import encoded, picture
from training_suite import TrainingSuite, colored_photos, running_training_suite, settings_of_own

pytestmark = pytest.mark.long

# Larger than what the network sees, and lying on its side.
ON_ITS_SIDE = Image.Exif()
ON_ITS_SIDE[EXIF_ORIENTATION] = 6
PHOTO = encoded(picture(7, color=(150, 90, 90), size=(900, 700)), exif=ON_ITS_SIDE)
FLOAT16 = training_service_pb2.EXPORT_FORMAT_LITERT_FLOAT16


@dataclass(frozen=True)
class Trained:
    """A suite with an iteration that is exported in every format, and changed by no test; others have projects of their
    own."""

    suite: TrainingSuite
    iteration: iterations_pb2.Iteration


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def trained(
    tmp_path_factory: pytest.TempPathFactory, prepared_folder: Path, keys: Keys
) -> AsyncIterator[Trained]:
    """An iteration of two tags, trained once."""
    settings = settings_of_own(tmp_path_factory.mktemp("trained") / "home", prepared_folder)
    async with running_training_suite(settings, keys) as suite:
        project_id, _ = await suite.colored_project(per_tag=10)
        run = await suite.finished(await suite.start(project_id))
        yield Trained(suite, await suite.iteration(project_id, run.iteration_id))


def readme_example(folder: Path) -> str:
    """Runs the program in an export's README on ``photo.jpg`` and returns what it prints."""
    program = (folder / "README.md").read_text().partition("```python\n")[2].partition("```")[0]
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True, timeout=120
    )
    return answer.stdout


async def artifact(suite: TrainingSuite, sha256: str) -> bytes:
    """Returns a stored artifact."""
    request = artifacts_pb2.GetArtifactRequest(sha256=sha256)
    return b"".join([chunk.data async for chunk in suite.project.GetArtifact(request)])


async def served(suite: TrainingSuite, iteration: iterations_pb2.Iteration, photo: bytes) -> dict[str, float]:
    """Returns what the prediction service answers: the probability of each tag, by name."""
    model = ModelArtifact.from_bytes(await artifact(suite, iteration.artifacts.model_sha256))
    backbone = BackboneArtifact.from_bytes(await artifact(suite, iteration.artifacts.backbone_sha256))
    with tempfile.TemporaryDirectory() as folder:
        trunk = Trunk.load(*backbone.write_model(Path(folder)), threads=1)
    answer = model.head.probabilities(trunk.embed(decode_for_backbone(photo, backbone.input_size)))
    return {label.tag_name: float(value) for label, value in zip(model.labels, answer, strict=True)}


async def exported(
    suite: TrainingSuite,
    iteration: iterations_pb2.Iteration,
    export_format: training_service_pb2.ExportFormat.ValueType,
    folder: Path,
) -> Path:
    """Exports an iteration and returns the folder with what the zip holds."""
    request = training_service_pb2.ExportIterationRequest(
        project_id=iteration.project_id, iteration_id=iteration.iteration_id, format=export_format
    )
    chunks = [chunk async for chunk in suite.training.ExportIteration(request)]
    kind = training_service_pb2.ExportFormat.Name(export_format).removeprefix("EXPORT_FORMAT_")
    assert chunks[0].file_name == f"iteration-1-{kind.lower().replace('_', '-')}.zip"
    assert max(len(chunk.data) for chunk in chunks) <= 1024 * 1024
    with zipfile.ZipFile(io.BytesIO(b"".join(chunk.data for chunk in chunks))) as archive:
        archive.extractall(folder)
    return folder


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("export_format", "entry"),
    [
        (training_service_pb2.EXPORT_FORMAT_KERAS, "model.keras"),
        (training_service_pb2.EXPORT_FORMAT_SAVED_MODEL, "saved_model/saved_model.pb"),
        (training_service_pb2.EXPORT_FORMAT_LITERT, "model.tflite"),
        (training_service_pb2.EXPORT_FORMAT_LITERT_FLOAT16, "model.tflite"),
        (training_service_pb2.EXPORT_FORMAT_ONNX, "model.onnx"),
        (training_service_pb2.EXPORT_FORMAT_OPENVINO, "openvino/model.xml"),
    ],
    ids=["keras", "saved-model", "litert", "litert-float16", "onnx", "openvino"],
)
async def test_the_readme_of_an_export_gives_the_answer_of_the_service(
    trained: Trained,
    tmp_path: Path,
    export_format: training_service_pb2.ExportFormat.ValueType,
    entry: str,
) -> None:
    """The program in the README, run on a photo by the format's own runtime, prints what the service would answer."""
    suite, iteration = trained.suite, trained.iteration
    folder = await exported(suite, iteration, export_format, tmp_path / "export")
    assert (folder / entry).is_file()
    (folder / "photo.jpg").write_bytes(PHOTO)
    name, _, probability = (await asyncio.to_thread(readme_example, folder)).strip().rpartition(" ")
    answer = await served(suite, iteration, PHOTO)
    assert name == max(answer, key=lambda tag: answer[tag])
    assert float(probability) == pytest.approx(answer[name], abs=2e-2 if export_format == FLOAT16 else 1e-3)
    assert (folder / "labels.txt").read_text() == "color 0\ncolor 1\n"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert [label["tag_name"] for label in manifest["labels"]] == ["color 0", "color 1"]
    assert (folder / manifest["entry"]).exists()
    parity = json.loads((folder / "parity.json").read_text())
    held_out = {image async for image in held_out_images(suite, iteration)}
    assert set(parity["image_ids"]) == held_out
    assert parity["compared_count"] == len(held_out) == parity["same_likeliest_tag_count"]
    assert 0 <= parity["mean_difference"] <= parity["maximum_difference"] <= parity["tolerance"]
    assert not list((suite.settings.home / "training").glob(".tmp-export-*"))


async def held_out_images(suite: TrainingSuite, iteration: iterations_pb2.Iteration) -> AsyncIterator[str]:
    """Yields the ids of an iteration's held-out images."""
    evaluation = Evaluation.from_bytes(await artifact(suite, iteration.artifacts.evaluation_sha256))
    for image_id in evaluation.image_ids:
        yield image_id


@pytest.mark.asyncio(loop_scope="module")
async def test_deleted_images_are_not_compared(trained: Trained, tmp_path: Path) -> None:
    """Held-out images deleted from the project are left out; with none left, drawn pictures stand in and it is said."""
    suite = trained.suite
    project_id, _ = await suite.colored_project(per_tag=10)
    run = await suite.finished(await suite.start(project_id))
    iteration = await suite.iteration(project_id, run.iteration_id)
    images = [image async for image in held_out_images(suite, iteration)]
    openvino = training_service_pb2.EXPORT_FORMAT_OPENVINO
    for number, rest in enumerate((images[1:], [])):
        gone = [image for image in images if image not in rest]
        await suite.project.DeleteImages(
            images_pb2.DeleteImagesRequest(project_id=project_id, image_ids=gone, all_iterations=True)
        )
        folder = await exported(suite, iteration, openvino, tmp_path / str(number))
        parity = json.loads((folder / "parity.json").read_text())
        assert parity["image_ids"] == rest
        assert ("drawn pictures" in (folder / "README.md").read_text()) == (not rest)


@pytest.mark.asyncio(loop_scope="module")
async def test_multilabel_export_answers_for_each_tag(trained: Trained, tmp_path: Path) -> None:
    """The export of a multilabel model, here as ONNX, gives probabilities that need not sum to one."""
    suite = trained.suite
    project_id = await suite.create_project(multilabel=True)
    tags = [await suite.create_tag(project_id, name) for name in ("warm", "any")]
    await suite.upload(project_id, colored_photos(0, 8), *tags)
    await suite.upload(project_id, colored_photos(1, 8), tags[1])
    run = await suite.finished(await suite.start(project_id))
    iteration = await suite.iteration(project_id, run.iteration_id)
    folder = await exported(suite, iteration, training_service_pb2.EXPORT_FORMAT_ONNX, tmp_path / "export")
    import onnxruntime

    model = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    size = json.loads((folder / "manifest.json").read_text())["input"]["shape"][1]
    photo = colored_photos(0, 1)[0]
    pixels = decode_for_backbone(photo, size)[None].astype(np.float32)
    (answer,) = model.run(["probabilities"], {"pixels": pixels})[0]
    assert answer == pytest.approx(list((await served(suite, iteration, photo)).values()), abs=1e-3)
    assert sum(answer) > 1.2
    assert "a probability for each tag on its own" in (folder / "README.md").read_text()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_caller_who_hangs_up_ends_the_export(trained: Trained) -> None:
    """A call that is cancelled while its export is built takes the process and the files with it."""
    suite, iteration = trained.suite, trained.iteration
    request = training_service_pb2.ExportIterationRequest(
        project_id=iteration.project_id,
        iteration_id=iteration.iteration_id,
        format=training_service_pb2.EXPORT_FORMAT_SAVED_MODEL,
    )
    call = suite.training.ExportIteration(request)
    reading = asyncio.ensure_future(anext(aiter(call)))
    async with asyncio.timeout(30):
        while not (processes := exporting_processes()):
            await asyncio.sleep(0.02)
        call.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    # Far less than it would take to its end.
    async with asyncio.timeout(4):
        while any(process.is_running() for process in processes):
            await asyncio.sleep(0.02)
        while list((suite.settings.home / "training").glob(".tmp-export-*")):
            await asyncio.sleep(0.02)


def exporting_processes() -> list[psutil.Process]:
    """Returns the processes below this one that build an export."""
    return [child for child in psutil.Process().children() if is_exporting(child)]


def is_exporting(process: psutil.Process) -> bool:
    """Returns whether a process builds an export; one that ends meanwhile does not."""
    try:
        return "customvision.training.export" in process.cmdline()
    except psutil.NoSuchProcess:
        return False
