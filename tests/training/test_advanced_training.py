"""Advanced trainings from start to end, on the built-in backbone: what wins, and what becomes of those disturbed."""

import asyncio
import itertools
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest
import pytest_asyncio
from PIL import Image

from customvision.common.keys import Keys
from customvision.training.runs import attempt
from customvision.v1 import artifacts_pb2, images_pb2, iterations_pb2, training_service_pb2
from customvision.vision.artifacts import BackboneArtifact, ModelArtifact
from customvision.vision.decoding import decode_for_backbone
from customvision.vision.trunk import Trunk
from pictures import encoded
from training_suite import SOON_SECONDS, TrainingSuite, phases_of, reasons_of, running_training_suite, settings_of_own

pytestmark = pytest.mark.long

SUCCEEDED = training_service_pb2.TRAINING_STATE_SUCCEEDED
FINE_TUNING = training_service_pb2.TRAINING_PHASE_FINE_TUNING
# The process of a run with a change to it.
PROGRAM = """
import sys
from customvision.training.children.child import run_child
from customvision.training.computation.__main__ import compute

def changed(request, reports):
    CHANGE
    compute(request, reports)

if __name__ == "__main__":
    run_child(changed)
"""

FEW_VIEWS = "from customvision.training.computation.fine_tuning import activations; activations.MOST_VIEWS = 3"
# The outcome does not hang on what a handful of pictures says; nor are more epochs, views or repeats made for it.
WINS = (
    f"{FEW_VIEWS}; from customvision.training.computation.fine_tuning import fine_tuner, verdict; "
    "verdict.winning_mix = lambda *_: 1.0; fine_tuner.FEWEST_EPOCHS = fine_tuner.MOST_EPOCHS = 4; "
    "folds = verdict.folds_to_repeat_on; verdict.folds_to_repeat_on = lambda *given: folds(*given)[:1]"
)
NO_ROOM = "from customvision.training.computation.fine_tuning import activations; activations.MOST_BYTES = 1000"
DIVERGES = f"{FEW_VIEWS}; from customvision.training.computation.fine_tuning import course; course.LEARNING_RATE = 1e30"

# A quick machine takes a tenth of it.
BUDGET_SECONDS = 600

# What such a run goes through.
COURSES = [
    (training_service_pb2.FINE_TUNING_COURSE_TRIAL, 0),
    (training_service_pb2.FINE_TUNING_COURSE_REPEAT, 1),
    (training_service_pb2.FINE_TUNING_COURSE_FINAL, 0),
]

ChangeProcess = Callable[[str], None]


@dataclass(frozen=True)
class FineTuned:
    """A training that a fine-tuned network was the result of, and the suite that ran it."""

    suite: TrainingSuite
    run: training_service_pb2.TrainingRun
    events: list[training_service_pb2.TrainingEvent]
    iteration: iterations_pb2.Iteration


@pytest.fixture
def change_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ChangeProcess:
    """Lets runs' processes begin with a statement."""
    return change_process_in(tmp_path, monkeypatch)


def change_process_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ChangeProcess:
    """Returns a function that lets runs' processes begin with a statement, from a module in ``folder``."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))

    def change(statement: str) -> None:
        (folder / "changed_computation.py").write_text(PROGRAM.replace("CHANGE", statement))
        monkeypatch.setattr(attempt, "MODULE", "changed_computation")

    return change


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def fine_tuned(
    tmp_path_factory: pytest.TempPathFactory, prepared_folder: Path, keys: Keys
) -> AsyncIterator[FineTuned]:
    """A suite and a training whose fine-tuned network won."""
    folder = tmp_path_factory.mktemp("fine_tuned")
    async with running_training_suite(settings_of_own(folder / "home", prepared_folder), keys) as suite:
        project_id = await squares(suite, 25)
        with pytest.MonkeyPatch.context() as monkeypatch:
            change_process_in(folder, monkeypatch)(WINS)
            run_id = await suite.start_advanced(project_id, BUDGET_SECONDS)
            events = await ended(suite, run_id)
        run = await suite.run(run_id)
        assert run.state == SUCCEEDED, run.failure_reason
        yield FineTuned(suite, run, events, await suite.iteration(project_id, run.iteration_id))


def square(seed: int, *, low: bool) -> bytes:
    """Returns a photo of a square somewhere in the upper or in the lower half, which pooled features hardly tell."""
    generator = np.random.default_rng(seed)
    pixels = generator.normal(120, 25, (96, 96, 3))
    top, left = int(generator.integers(4, 16)) + (48 if low else 0), int(generator.integers(4, 64))
    pixels[top : top + 28, left : left + 28] += generator.choice([-80, 80])
    return encoded(Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)))


async def squares(suite: TrainingSuite, per_tag: int) -> str:
    """Returns a project with two tags, for squares above and below."""
    project_id = await suite.create_project()
    for low in (False, True):
        tag_id = await suite.create_tag(project_id, "below" if low else "above")
        await suite.upload(project_id, [square(2 * seed + low, low=low) for seed in range(per_tag)], tag_id)
    return project_id


async def ended(suite: TrainingSuite, run_id: str) -> list[training_service_pb2.TrainingEvent]:
    """Returns the events of a run that may take minutes."""
    async with asyncio.timeout(BUDGET_SECONDS):
        return [event async for event in suite.watch(run_id) if not event.HasField("heartbeat")]


async def trial_epochs(suite: TrainingSuite, run_id: str, last: int) -> list[int]:
    """Returns the epochs of the trial whose ends were told, in order, as soon as the last of them was."""
    epochs: list[int] = []
    async with asyncio.timeout(BUDGET_SECONDS):
        async for event in suite.watch(run_id):
            if event.fine_tuning.HasField("held_out_loss"):
                epochs.append(event.fine_tuning.epoch)
                if epochs[-1] == last:
                    return epochs
    raise AssertionError("the run ended before it came that far")


async def course_on_all_images(suite: TrainingSuite, run_id: str) -> None:
    """Waits until the last course has told something."""
    async with asyncio.timeout(BUDGET_SECONDS):
        async for event in suite.watch(run_id):
            if event.fine_tuning.course == training_service_pb2.FINE_TUNING_COURSE_FINAL:
                return
    raise AssertionError("the run ended before it came that far")


def courses(events: list[training_service_pb2.TrainingEvent]) -> list[tuple[int, int]]:
    """Returns the courses that were told one after the other, each with the number of its repeat."""
    told = [(e.fine_tuning.course, e.fine_tuning.repeat) for e in events if e.HasField("fine_tuning")]
    return [course for course, _ in itertools.groupby(told)]


def processes() -> list[psutil.Process]:
    """Returns the processes below this one that compute."""
    return [
        process for process in psutil.Process().children(recursive=True) if process.status() != psutil.STATUS_ZOMBIE
    ]


def kill_computation() -> None:
    """Kills what computes."""
    for process in processes():
        process.kill()


def learned_epochs(events: list[training_service_pb2.TrainingEvent]) -> list[int]:
    """Returns the epochs of the trial whose ends were told, in order."""
    return [event.fine_tuning.epoch for event in events if event.fine_tuning.HasField("held_out_loss")]


async def answer(suite: TrainingSuite, iteration: iterations_pb2.Iteration, data: bytes) -> np.ndarray:
    """Returns what predictions with an iteration's artifacts answer, float32[tags]."""
    model = ModelArtifact.from_bytes(await artifact(suite, iteration.artifacts.model_sha256))
    backbone = BackboneArtifact.from_bytes(await artifact(suite, iteration.artifacts.backbone_sha256))
    assert model.backbone_id == backbone.backbone_id == iteration.backbone.backbone_id
    with tempfile.TemporaryDirectory() as folder:
        trunk = Trunk.load(*backbone.write_model(Path(folder)), threads=1)
    return model.head.probabilities(trunk.embed(decode_for_backbone(data, backbone.input_size)))


async def artifact(suite: TrainingSuite, sha256: str) -> bytes:
    """Returns a stored artifact."""
    request = artifacts_pb2.GetArtifactRequest(sha256=sha256)
    return b"".join([chunk.data async for chunk in suite.project.GetArtifact(request)])


@pytest.mark.asyncio(loop_scope="module")
async def test_fine_tuned_network_is_the_result_where_it_does_better(fine_tuned: FineTuned) -> None:
    """Each epoch of the trial is told with figures of the held-out images; the iteration gets a network of its own,
    with which it answers and is exported."""
    suite, run, events, iteration = fine_tuned.suite, fine_tuned.run, fine_tuned.events, fine_tuned.iteration
    assert run.end_time.seconds - run.start_time.seconds < BUDGET_SECONDS
    told = [event.fine_tuning for event in events if event.HasField("fine_tuning")]
    epochs = learned_epochs(events)
    assert epochs == list(range(1, epochs[-1] + 1))
    assert all(0 < step.batch <= step.batches and 0 <= step.time_left.seconds < BUDGET_SECONDS for step in told)
    assert any(not step.HasField("held_out_loss") for step in told)
    assert courses(events) == COURSES
    assert {step.repeats for step in told} == {1}
    steps = phases_of(events)[FINE_TUNING]
    assert (steps[0], steps[-1]) == ((0, 100), (100, 100))
    assert iteration.fine_tuned
    assert iteration.metrics.held_out_image_count >= 10
    probabilities = [await answer(suite, iteration, square(seed, low=bool(seed % 2))) for seed in (1000, 1001)]
    assert [int(each.argmax()) for each in probabilities] == [0, 1]
    request = training_service_pb2.ExportIterationRequest(
        project_id=iteration.project_id,
        iteration_id=iteration.iteration_id,
        format=training_service_pb2.EXPORT_FORMAT_OPENVINO,
    )
    # An export that does not agree with the service on the held-out images is an error.
    assert [chunk async for chunk in suite.training.ExportIteration(request)]
    left = suite.settings.home / "training"
    own = (run.training_run_id, ".tmp-run-")
    assert not [file for file in (*left.glob("checkpoints/*"), *left.glob(".tmp-run-*")) if file.name.startswith(own)]


async def test_quick_model_is_the_result_where_fine_tuning_diverges(
    suite: TrainingSuite, change_process: ChangeProcess
) -> None:
    """A run whose loss becomes no number ends with the quick model, of all images, also of one whose file is lost
    since it was looked at; the run and the iteration say so."""
    project_id = await squares(suite, 25)
    await ended(suite, await suite.start(project_id))
    await lose_one_file(suite, project_id)
    change_process(DIVERGES)
    run_id = await suite.start_advanced(project_id, 60)
    events = await ended(suite, run_id)
    run = await suite.run(run_id)
    assert run.state == SUCCEEDED, run.failure_reason
    expected = "Fine-tuning diverged, its loss became no number; the quick model is the result."
    warnings = [event.warning for event in events]
    assert expected in warnings, warnings
    assert any(warning.startswith("1 image could not be read and was left out") for warning in warnings)
    iteration = await suite.iteration(project_id, run.iteration_id)
    assert not iteration.fine_tuned
    assert expected in iteration.warnings
    assert phases_of(events)[FINE_TUNING][-1] == (100, 100)
    assert run.end_time.seconds - run.start_time.seconds < 60


async def lose_one_file(suite: TrainingSuite, project_id: str) -> None:
    """Deletes the file of an image behind the project service's back."""
    listed = await suite.project.ListImages(images_pb2.ListImagesRequest(project_id=project_id, page_size=1))
    digest = listed.images[0].content_sha256
    (file,) = (suite.settings.home / "project" / "blobs").rglob(f"*{digest[2:]}")
    file.unlink()


@pytest.mark.asyncio(loop_scope="module")
async def test_killed_run_goes_on_from_its_checkpoints(fine_tuned: FineTuned, change_process: ChangeProcess) -> None:
    """A run, begun with a network that is fine-tuned already, whose process is killed in the trial, and again in the
    course on all images, loses an epoch at most, downloads and repeats nothing again, and ends within its budget with a
    network that is fine-tuned again."""
    change_process(WINS)
    suite, base = fine_tuned.suite, fine_tuned.iteration
    run_id = await suite.start_advanced(
        base.project_id, BUDGET_SECONDS, base_iteration_id=base.iteration_id, force=True
    )
    await trial_epochs(suite, run_id, last=2)
    (photo, *_) = (suite.settings.home / "training" / "checkpoints" / run_id / "photos").glob("*.png")
    saved = photo.stat().st_mtime_ns
    kill_computation()
    epochs = await trial_epochs(suite, run_id, last=4)
    assert len(epochs) - len(set(epochs)) <= 1
    assert sorted(set(epochs)) == [1, 2, 3, 4]
    await course_on_all_images(suite, run_id)
    assert photo.stat().st_mtime_ns == saved
    kill_computation()
    events = await ended(suite, run_id)
    run = await suite.run(run_id)
    assert (run.state, run.attempt) == (SUCCEEDED, 3), run.failure_reason
    epochs = learned_epochs(events)
    assert len(epochs) - len(set(epochs)) <= 1
    assert len(reasons_of(events)) == 2
    # The repeat was finished before the second kill: what it came to was kept.
    assert [course for course in courses(events) if course == COURSES[1]] == [COURSES[1]]
    assert run.end_time.seconds - run.start_time.seconds < BUDGET_SECONDS
    second = await suite.iteration(base.project_id, run.iteration_id)
    assert second.fine_tuned
    assert second.backbone.backbone_id != base.backbone.backbone_id


async def test_cancelled_while_it_fine_tunes(suite: TrainingSuite, change_process: ChangeProcess) -> None:
    """A run ends soon in the middle of an epoch; its processes, checkpoints and photos are gone. This one
    has several tags on an image."""
    change_process(FEW_VIEWS)
    project_id = await suite.create_project(multilabel=True)
    above, below = [await suite.create_tag(project_id, name) for name in ("above", "below")]
    await suite.upload(project_id, [square(seed, low=False) for seed in range(30)], above)
    await suite.upload(project_id, [square(seed, low=True) for seed in range(100, 130)], below, above)
    run_id = await suite.start_advanced(project_id, 120)
    await trial_epochs(suite, run_id, last=1)
    begun = time.monotonic()
    await suite.cancel(run_id)
    events = await ended(suite, run_id)
    assert time.monotonic() - begun < SOON_SECONDS
    assert events[-1].state == training_service_pb2.TRAINING_STATE_CANCELLED
    assert not processes()
    async with asyncio.timeout(30):
        while list((suite.settings.home / "training" / "checkpoints").glob("*")):
            await asyncio.sleep(0.02)
    assert not list((suite.settings.home / "training").glob(".tmp-run-*"))


async def test_no_time_left_gives_the_quick_model(suite: TrainingSuite, change_process: ChangeProcess) -> None:
    """A run whose earlier attempts used its budget up ends at once, with the quick model and a sentence."""
    change_process("request['budget_seconds'] = 1.0")
    project_id = await squares(suite, 25)
    run_id = await suite.start_advanced(project_id, 60)
    events = await ended(suite, run_id)
    assert (await suite.run(run_id)).state == SUCCEEDED
    expected = "The training's budget left no time to fine-tune the network; the quick model is the result."
    assert any(event.warning.startswith(expected) for event in events)
    assert FINE_TUNING not in phases_of(events)


async def test_too_few_held_out_images_give_the_quick_model(suite: TrainingSuite) -> None:
    """Where nothing could tell whether fine-tuning does better, it is not tried, and the run says so."""
    project_id = await squares(suite, 5)
    run_id = await suite.start_advanced(project_id, 60)
    events = await ended(suite, run_id)
    assert (await suite.run(run_id)).state == SUCCEEDED
    (warning,) = [event.warning for event in events if "held out" in event.warning]
    assert warning.startswith("With 2 images that are held out, nothing can tell whether fine-tuning does better")


async def test_more_photos_than_there_is_room_for(suite: TrainingSuite, change_process: ChangeProcess) -> None:
    """Where what the network makes of the photos finds no room in memory, the quick model is the result, and why is
    told."""
    change_process(
        "from customvision.training.computation.fine_tuning import activations; activations.MOST_BYTES = 1000"
    )
    project_id = await squares(suite, 25)
    run_id = await suite.start_advanced(project_id, 60)
    events = await ended(suite, run_id)
    run = await suite.run(run_id)
    assert run.state == SUCCEEDED, run.failure_reason
    assert any(event.warning.startswith("Too little of the training's budget, or of memory") for event in events)
    assert not (await suite.iteration(project_id, run.iteration_id)).fine_tuned
