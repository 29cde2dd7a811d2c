"""From a folder of photos to a served classifier, through the command line alone."""

import json
import re
import shutil
from pathlib import Path

import pytest

from pictures import photo
from suite_process import SuiteProcess, best_tag, running_suite, write_folder

ROOT = Path(__file__).parents[2]
FLOWERS = ROOT.parent / "shared" / "datasets" / "flower_photos"
WEIGHTS = ROOT.parent / "shared" / "weights" / "mobilenet_v2_1.0_224_no_top.weights.h5"


def test_train_predict_and_go_on(suite: SuiteProcess, colors_folder: Path, tmp_path: Path) -> None:
    """A folder becomes a published model that answers; a second run sends and trains on the new photos only."""
    project = colors_folder.name
    first = suite.run("train", colors_folder)
    assert "Iteration 1" in first.stdout
    assert re.search(r"(?i)average precision", first.stdout)
    assert f"customvision predict --project {project}" in first.stdout
    test_image = tmp_path / "unseen.jpg"
    test_image.write_bytes(photo(777, color=(200, 40, 40)))
    assert best_tag(suite, test_image, project) == "red"

    unchanged = suite.run("train", colors_folder)
    assert "Iteration 2" not in unchanged.stdout
    assert re.search(r"(?i)nothing (has )?changed", unchanged.stdout + unchanged.stderr)

    write_folder(colors_folder, {"red": [photo(seed, color=(200, 40, 40)) for seed in range(500, 503)]})
    second = suite.run("train", colors_folder)
    assert "Iteration 2" in second.stdout
    assert re.search(r"\b3\b", second.stdout)
    iterations = suite.json("iterations", "list", "--project", project)
    assert [(item["name"], item["image_count"]) for item in iterations] == [("Iteration 2", 33), ("Iteration 1", 30)]
    assert [bool(item["publish_name"]) for item in iterations] == [True, False]


def test_a_folder_with_trouble_in_it(suite: SuiteProcess, colors_folder: Path) -> None:
    """Broken files are named and skipped, duplicates are reported, and the rest is trained."""
    (colors_folder / "red" / "notes.jpg").write_text("no picture")
    shutil.copy(colors_folder / "blue" / "000.jpg", colors_folder / "blue" / "again.jpg")
    whole = (colors_folder / "green" / "000.jpg").read_bytes()
    (colors_folder / "green" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    outcome = suite.run("train", colors_folder)
    said = outcome.stdout + outcome.stderr
    assert "notes.jpg" in said
    assert "cut.jpg" in said
    assert "again.jpg" in said
    assert "Iteration 1" in outcome.stdout


def test_too_little_to_train_on(suite: SuiteProcess, tmp_path: Path) -> None:
    """Too few photos or classes end in one sentence that names tag and count, and in exit code 1."""
    few = write_folder(
        tmp_path / "few",
        {name: [photo(seed) for seed in (start, start + 1)] for name, start in (("daisy", 0), ("rose", 2))},
    )
    outcome = suite.run("train", few, check=False)
    assert outcome.returncode == 1
    assert re.search(r"'daisy' has 2 images", outcome.stderr)
    assert "Traceback" not in outcome.stderr
    one = write_folder(tmp_path / "one", {"daisy": [photo(seed) for seed in range(10, 20)]})
    outcome = suite.run("train", one, check=False)
    assert outcome.returncode == 1
    assert "Traceback" not in outcome.stderr
    (tmp_path / "empty").mkdir()
    outcome = suite.run("train", tmp_path / "empty", check=False)
    assert outcome.returncode != 0
    assert len(outcome.stderr.strip().splitlines()) <= 3


def test_watch_attaches_before_during_and_after(suite: SuiteProcess, colors_folder: Path) -> None:
    """A run watched from another terminal, then again once it is over, shows the same end."""
    suite.run("train", colors_folder)
    run = str(suite.json("runs", "--project", colors_folder.name)[0]["training_run_id"])
    after = suite.run("watch", run)
    assert re.search(r"(?i)succeeded", after.stdout)


def test_real_photos_with_imagenet_weights(tmp_path: Path) -> None:
    """Flower photos on ImageNet weights reach a held-out accuracy that the built-in backbone does not."""
    if not FLOWERS.is_dir() or not WEIGHTS.is_file():
        pytest.skip("needs the flower photos and ImageNet weights that lie beside the repository")
    with running_suite(tmp_path / "home", CUSTOMVISION_BACKBONE_WEIGHTS=str(WEIGHTS)) as suite:
        suite.run("train", FLOWERS)
        iteration = suite.json("iterations", "list", "--project", FLOWERS.name)[0]
        metrics = iteration["metrics"]
        assert isinstance(metrics, dict)
        assert metrics["accuracy"] >= 0.8, json.dumps(metrics)
        photo_path = sorted((FLOWERS / "sunflowers").iterdir())[0]
        assert best_tag(suite, photo_path, FLOWERS.name) == "sunflowers"
