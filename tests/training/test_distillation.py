"""Training a backbone of one's own: what it learns from, that it learns, and that a kill costs one lesson at most."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from customvision.common.folder_lock import FolderLock
from customvision.training.backbones.sources import BUILT_IN
from customvision.training.backbones.weights_file import network_digest, read_nuisances, read_shape
from customvision.training.distillation.checkpoint import Checkpoint, CheckpointUnusable
from customvision.training.distillation.crops import (
    VIEWS,
    PhotosUnreadable,
    find_photos,
    make_crops,
    make_plain_crops,
    make_views,
)
from customvision.training.distillation.drawn_pictures import DRAWINGS, SIDE
from customvision.training.distillation.lesson_log import LessonLog
from customvision.training.distillation.recipe import Recipe
from pictures import photo

pytestmark = pytest.mark.long

MODULE = "customvision.training.distillation"
LESSON_SECONDS = 600
# The parts of the loss, as the log names them.
LOSSES = ("block_5_add", "block_12_add", "block_15_add", "out_relu", "features", "classes")
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": ""}
# Makes a teacher without a download: random weights, and a classifier on top, of 7 classes that nothing depends on. It
# has seen noise once: without statistics of its layers, nothing of a picture is left in the last.
MAKE_TEACHER = """
import sys, keras
keras.utils.set_random_seed(0)
teacher = keras.applications.MobileNetV2(alpha=0.35, weights=None, classes=7)
for layer in teacher.layers:
    if isinstance(layer, keras.layers.BatchNormalization):
        layer.momentum = 0.0
teacher(keras.random.uniform((4, 224, 224, 3), -1, 1), training=True)
teacher.save_weights(sys.argv[1])
"""
# Keras stays out of the tests' own process, as it stays out of the services'. The command runs to its end; then what
# it wrote is held against the student that it taught.
TEACH_AND_LOOK = """
import json
import os
from pathlib import Path
import numpy as np
import typer
from customvision.training.backbones.network import bare_network_from_file, network_from_file
from customvision.training.backbones.weights_file import read_nuisances
from customvision.training.distillation import __main__ as command, training
from customvision.training.distillation.crops import find_photos, make_plain_crops, make_views
from customvision.training.distillation.lessons import Lesson
taught = []
class Distillation(training.Distillation):
    def __init__(self, *given):
        super().__init__(*given)
        taught.append((self, given))
training.Distillation = Distillation
try:
    typer.run(command.distil)
except SystemExit as end:
    assert not end.code
[(distillation, (recipe, files, teacher, folder, _))] = taught
saved_file = folder / command.WEIGHTS_FILE
pixels = make_plain_crops(files, 8, (9,), 64) / np.float32(127.5) - 1
wanted = np.asarray(distillation.student(pixels, training=False)).mean(axis=(1, 2))
saved = np.asarray(bare_network_from_file(saved_file)(pixels, training=False))
distillation.student.set_weights([weights.astype("f2").astype("f4") for weights in distillation.student.get_weights()])
rounded = np.asarray(distillation.student(pixels, training=False)).mean(axis=(1, 2))
(folder / "more").mkdir()
# The teacher is the same, and takes seconds to make.
training.Teacher = lambda _: distillation._teacher
continued = Distillation(recipe, files, teacher, folder / "more", saved_file).student
begun = np.asarray(continued(pixels, training=False)).mean(axis=(1, 2))
crops = make_plain_crops(files, 4, (9,), 224)
targets = distillation._teacher.look(crops, 64)
lesson = Lesson(crops, targets)
mirrored, mirrored_targets = lesson.batch(np.arange(4), mirrored=True)
alike = np.array_equal(mirrored[:, :, ::-1], crops) and all(
    np.array_equal(flipped[:, :, ::-1], level) for flipped, level in zip(mirrored_targets, targets)
)
fine = distillation._teacher.look(crops, 224)[-1]
kept = np.abs(targets[-1].mean(axis=(1, 2), dtype="f4") - fine.mean(axis=(1, 2), dtype="f4")).max()
views = make_views(files, 48, (5,), 64) / np.float32(127.5) - 1
features = np.asarray(network_from_file(saved_file)(views.reshape(-1, *views.shape[2:]), training=False))
nuisances = read_nuisances(saved_file)
def largest_share(rows):
    # Of what the last level differs by from view to view, the part along the one direction where it does most.
    rows = rows[:, -1280:].reshape(48, -1, 1280)
    parts = np.linalg.svd((rows - rows.mean(axis=1, keepdims=True)).reshape(-1, 1280), compute_uv=False) ** 2
    return float(parts[0] / parts.sum())
print(json.dumps({
    "measured": sum(len(level.directions) for level in nuisances.levels), "feature_count": features.shape[1],
    "share": largest_share(features), "share_lessened": largest_share(nuisances.lessened(features)),
    "difference": float(np.abs(saved - wanted).max()), "features": float(np.abs(wanted).max()),
    "difference_when_rounded": float(np.abs(saved - rounded).max()), "start": float(np.abs(begun - saved).max()),
    "mirrored_alike": bool(alike), "averages_kept": float(kept), "averages": float(np.abs(fine).max()),
}), flush=True)
# As the command ends.
os._exit(0)
"""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures of several kinds: photos, one cut out, one grey, one damaged, one that is no picture."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "inner").mkdir()
    for seed in range(6):
        (folder / "inner" / f"{seed}.jpg").write_bytes(photo(seed, color=(40 * seed, 200, 90)))
    Image.new("RGBA", (90, 60), (250, 20, 30, 120)).save(folder / "cut-out.png")
    Image.new("L", (40, 300), 77).save(folder / "grey.png")
    (folder / "damaged.jpg").write_bytes(photo(1)[:300])
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small teacher with a classifier."""
    file = tmp_path_factory.mktemp("teacher") / "teacher.weights.h5"
    subprocess.run([sys.executable, "-c", MAKE_TEACHER, file], check=True, env={**os.environ, **QUIET})
    return file


def command(photos: Path, teacher: Path, folder: Path, *more: str) -> list[str]:
    """Returns the command for a very short distillation: two lessons, at 64 and at 96 pixels."""
    options = ["--lessons", "2", "--crops", "64", "--width", "0.35", "--input-size", "64", *more]
    return [sys.executable, "-m", MODULE, str(photos), "--teacher", str(teacher), "--folder", str(folder), *options]


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs a command to its end."""
    environment = {**os.environ, **QUIET, "COLUMNS": "200"}
    return subprocess.run(
        arguments, capture_output=True, text=True, check=False, timeout=LESSON_SECONDS, env=environment
    )


def log_of(folder: Path) -> list[dict[str, str]]:
    """Returns the lines of a distillation's log."""
    file = folder / "log.csv"
    return list(csv.DictReader(file.read_text().splitlines())) if file.exists() else []


@pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda drawing: drawing.__name__.strip("_"))
def test_drawings_are_seeded_and_differ(drawing: object) -> None:
    """Each kind of drawing fills its picture, is the same for the same seed and another for another."""
    assert callable(drawing)
    first, again, other = (np.asarray(drawing(np.random.default_rng(seed))) for seed in (1, 1, 2))
    assert first.shape == (SIDE, SIDE, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.std() > 1


def test_crops_are_seeded_and_differ(photos: Path) -> None:
    """The same seed gives the same crops in the same order, another gives others; damaged photos end nothing."""
    files = find_photos([photos, photos / "inner"])
    assert len(files) == 9
    first, again, other = (make_crops(files, 50, (3, lesson)) for lesson in (1, 1, 2))
    assert first.shape == (50, SIDE, SIDE, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_plain_crops_are_photos_as_they_are(photos: Path) -> None:
    """Plain crops are parts of photos, neither altered nor drawn, of the size asked for."""
    crops = make_plain_crops([photos / "grey.png", photos / "damaged.jpg"], 20, (0,), 64)
    assert crops.shape == (20, 64, 64, 3)
    assert np.unique(crops).tolist() == [77]


def test_deep_grey_keeps_its_shades(tmp_path: Path) -> None:
    """A picture of 16-bit grey is scaled, not clipped to white."""
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    assert 90 < make_plain_crops([tmp_path / "ramp.png"], 20, (0,), 32).mean() < 165


def test_cut_out_objects_stand_on_changing_grounds(tmp_path: Path) -> None:
    """What is transparent in a picture shows another ground in each opening."""
    Image.new("RGBA", (64, 64), (250, 20, 30, 0)).save(tmp_path / "nothing.png")
    grounds = [make_plain_crops([tmp_path / "nothing.png"], 4, (seed,), 32).mean(axis=(0, 1, 2)) for seed in range(6)]
    assert np.ptp(np.stack(grounds), axis=0).max() > 20


def test_views_are_of_one_photo_each(tmp_path: Path) -> None:
    """Views come photo by photo, altered each in its own way, the same for the same seed."""
    for colour in ((200, 30, 30), (30, 30, 200)):
        Image.effect_noise((90, 70), 40).convert("RGB").point(
            [v // 4 + part for part in colour for v in range(256)]
        ).save(tmp_path / f"{colour[0]}.png")
    files = find_photos([tmp_path])
    seen = make_views(files, 12, (0,), 64)
    assert seen.shape == (12, VIEWS, 64, 64, 3)
    assert seen.dtype == np.uint8
    assert np.array_equal(seen, make_views(files, 12, (0,), 64))
    assert not np.array_equal(seen, make_views(files, 12, (1,), 64))
    means = seen.mean(axis=(2, 3))
    red = means[..., 0] > means[..., 2]
    assert {tuple(of_one) for of_one in red} == {(True,) * VIEWS, (False,) * VIEWS}
    assert all(len(np.unique(of_one, axis=0)) == VIEWS for of_one in seen)


def test_folders_of_unreadable_files_are_told(photos: Path) -> None:
    """Where no photo can be read, one is named; nothing is drawn in its place."""
    with pytest.raises(PhotosUnreadable, match=r"damaged\.jpg"):
        make_plain_crops([photos / "damaged.jpg"], 4, (0,), 32)
    with pytest.raises(PhotosUnreadable):
        make_crops([photos / "damaged.jpg"], 64, (0,))


@dataclass(frozen=True)
class Taught:
    """A distillation that was killed after its first lesson and went on: its ``folder``, what the second command said
    (``told``), and what came of looking at its student (``looks``)."""

    folder: Path
    told: str
    looks: dict[str, float]


@pytest.fixture(scope="module")
def taught(photos: Path, teacher: Path, tmp_path_factory: pytest.TempPathFactory) -> Taught:
    """The command is killed once its first lesson is learned, and is run again, to its end."""
    folder = tmp_path_factory.mktemp("taught") / "work"
    command_line = command(photos, teacher, folder)
    with subprocess.Popen(command_line, stderr=subprocess.DEVNULL, env={**os.environ, **QUIET}) as killed:
        deadline = time.monotonic() + LESSON_SECONDS
        while not (folder / "checkpoint.npz").exists():
            assert killed.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        killed.send_signal(signal.SIGKILL)
    assert not (folder / "backbone.weights.h5").exists()
    outcome = run(sys.executable, "-c", TEACH_AND_LOOK, *command_line[3:])
    assert outcome.returncode == 0, outcome.stderr
    return Taught(folder, outcome.stderr, json.loads(outcome.stdout.splitlines()[-1]))


def test_a_kill_costs_one_lesson_at_most(taught: Taught) -> None:
    """Killed after the first lesson, the same command learns the second only and writes weights that fit."""
    assert "lesson 1 of 2" not in taught.told
    assert "lesson 2 of 2" in taught.told
    lines = log_of(taught.folder)
    assert [(line["lesson"], line["size"]) for line in lines] == [("1", "64"), ("2", "96")]
    assert all(np.isfinite(float(line["classes"])) for line in lines)
    shape = read_shape(taught.folder / "backbone.weights.h5")
    assert (shape.architecture, shape.classes) == ("mobilenet_v2_0.35_64", None)
    # The schedule went on: a fresh optimizer would be in the middle of it again.
    assert float(lines[1]["learning_rate"]) < float(lines[0]["learning_rate"]) / 10
    with pytest.raises(CheckpointUnusable, match="was made with other settings"):
        Checkpoint.load(taught.folder, Recipe(seed=1).to_record())


def test_student_learns_and_is_saved_as_it_is(taught: Taught) -> None:
    """The loss falls; what is saved, and a student that starts from it, see what the student saw."""
    first, last = (sum(float(line[part]) for part in LOSSES) for line in log_of(taught.folder))
    assert last < 0.9 * first
    looks = taught.looks
    assert looks["difference_when_rounded"] < 1e-4 * looks["features"]
    # What rounding to float16 does to a student of twelve steps.
    assert looks["difference"] < 0.05 * looks["features"]
    assert looks["start"] < 1e-4
    assert looks["mirrored_alike"] is True
    assert looks["averages_kept"] < 1e-2 * looks["averages"]


def test_student_is_saved_with_its_nuisances(taught: Taught) -> None:
    """The file says of all features how they differ from view to view; on views that were not measured, too, what
    stood out among that stands out less."""
    assert taught.looks["measured"] == taught.looks["feature_count"]
    assert taught.looks["share_lessened"] < 0.5 * taught.looks["share"]


def test_mistakes_are_told_in_a_sentence(photos: Path, teacher: Path, tmp_path: Path) -> None:
    """A teacher without classifier, an impossible width or size and a folder without pictures are refused by name."""
    headless = run(*command(photos, BUILT_IN, tmp_path / "a"))
    assert (headless.returncode, "has no classifier on top" in headless.stderr) == (1, True)
    narrow = run(*command(photos, teacher, tmp_path / "b", "--width", "0.4"))
    assert (narrow.returncode, "There is no width 0.4" in narrow.stderr) == (2, True)
    wide = run(*command(photos, teacher, tmp_path / "d", "--start", str(BUILT_IN)))
    assert (wide.returncode, "of width 0.5 and the student a MobileNetV2 of 0.35" in wide.stderr) == (1, True)
    odd = run(*command(photos, teacher, tmp_path / "b", "--input-size", "100"))
    assert (odd.returncode, "must be a multiple of 32 up to 1024" in odd.stderr) == (2, True)
    (tmp_path / "empty").mkdir()
    empty = run(*command(tmp_path / "empty", teacher, tmp_path / "c"))
    assert (empty.returncode, "There are no pictures in" in empty.stderr) == (2, True)
    assert not (tmp_path / "b").exists()


def test_damaged_checkpoint_is_told(tmp_path: Path) -> None:
    """A checkpoint that cannot be read is named, with what to do; one that can comes back as it was."""
    recipe = Recipe(lessons=3)
    origin = recipe.to_record()
    assert Checkpoint.load(tmp_path, origin) is None
    Checkpoint(origin, 2, [np.ones((2, 3), np.float32), np.zeros(4)], [np.arange(3)]).save(tmp_path)
    loaded = Checkpoint.load(tmp_path, origin)
    assert loaded is not None
    assert (loaded.lessons, len(loaded.network), loaded.optimizer[0].tolist()) == (2, 2, [0, 1, 2])
    file = tmp_path / "checkpoint.npz"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(CheckpointUnusable, match="Delete it"):
        Checkpoint.load(tmp_path, origin)


def test_lines_of_lost_lessons_leave_the_log(tmp_path: Path) -> None:
    """The log has one line per lesson: what a killed process wrote of a lesson that was lost is written again."""
    log = LessonLog(tmp_path / "log.csv", 0)
    for lesson in (1, 2):
        log.add({"lesson": lesson, "loss": 9})
    LessonLog(tmp_path / "log.csv", 1).add({"lesson": 2, "loss": 5})
    assert log_of(tmp_path) == [{"lesson": "1", "loss": "9"}, {"lesson": "2", "loss": "5"}]
    LessonLog(tmp_path / "log.csv", 0)
    assert log_of(tmp_path) == []


def test_crops_grow_with_the_lessons() -> None:
    """The student starts on small crops and ends on the largest; every size has its share of the lessons."""
    recipe = Recipe(lessons=10, sizes=(64, 96))
    assert [recipe.size_of(lesson) for lesson in range(10)] == [64] * 5 + [96] * 5
    assert Recipe(lessons=1).size_of(0) == 64


def test_only_one_works_in_a_folder(photos: Path, teacher: Path, tmp_path: Path) -> None:
    """A second distillation in the same folder ends with a sentence and changes nothing."""
    lock = FolderLock(tmp_path, user="backbone")
    outcome = run(*command(photos, teacher, tmp_path))
    lock.release()
    assert (outcome.returncode, "Another `make backbone` works in" in outcome.stderr) == (1, True)
    assert log_of(tmp_path) == []


def test_nuisances_of_weights_that_one_has(photos: Path, teacher: Path, tmp_path: Path) -> None:
    """Of a weights file that was not trained here, too, its nuisances are measured and added to it; a folder without
    pictures and a file that holds no network are refused by name, and the file stays as it is."""
    weights = tmp_path / "own.weights.h5"
    weights.write_bytes(teacher.read_bytes())
    command_line = [sys.executable, "-m", "customvision.training.distillation.measure_nuisances"]
    (tmp_path / "empty").mkdir()
    empty = run(*command_line, str(tmp_path / "empty"), "--weights", str(weights))
    assert (empty.returncode, "There are no pictures in" in empty.stderr) == (2, True)
    (tmp_path / "no.weights.h5").write_bytes(b"no HDF5")
    broken = run(*command_line, str(photos), "--weights", str(tmp_path / "no.weights.h5"), "--count", "16")
    assert (broken.returncode, "is no readable HDF5 file" in broken.stderr) == (1, True)
    assert weights.read_bytes() == teacher.read_bytes()
    outcome = run(*command_line, str(photos), "--weights", str(weights), "--count", "16")
    assert outcome.returncode == 0, outcome.stderr
    assert "how its features differ between views" in outcome.stderr
    assert [len(level.directions) for level in read_nuisances(weights).levels] == [96, 144, 192, 336, 112, 1280]
    assert read_shape(weights) == read_shape(teacher)
    assert network_digest(weights) == network_digest(teacher)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["empty", "no.weights.h5", "own.weights.h5"]
