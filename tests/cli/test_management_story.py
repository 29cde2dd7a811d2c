"""One suite, one trained project, and every command that looks at it or changes it, in the order of a user's day."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from pictures import photo
from prepared_backbone import backbone_prepared_for_all
from suite_process import SuiteProcess, running_suite, write_folder

pytestmark = pytest.mark.long

HOSTILE = "tulips 🌷 [bold]'\"/\\ ‮"
COLORS = {"roses": (200, 40, 60), HOSTILE.replace("/", "∕"): (220, 160, 30)}
P = ("--project", "flowers")


@pytest.fixture(scope="module")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two classes, one with a hostile name, a photo that is in both, and a text file."""
    files = {name: [photo(seed, color=color) for seed in range(8)] for name, color in COLORS.items()}
    folder = write_folder(tmp_path_factory.mktemp("photos") / "flowers", files)
    roses, tulips = (folder / name for name in COLORS)
    shutil.copy(roses / "001.jpg", tulips / "same.jpg")
    (roses / "notes.txt").write_text("no photo")
    return folder


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory, flowers: Path) -> Iterator[SuiteProcess]:
    """A suite that was trained on the folder once; it is asked for JSON, whose shape is checked here."""
    backbones = backbone_prepared_for_all(tmp_path_factory)
    with running_suite(tmp_path_factory.mktemp("suite") / "home", backbones=backbones) as running:
        outcome = running.run("train", flowers, "--json")
        report = json.loads(outcome.stdout)
        assert (report["images"]["created"], len(report["images"]["left_out"])) == (16, 2)
        assert (report["project_name"], report["publish_name"], report["trained"]) == ("flowers", "production", True)
        assert len(report["performance"]["tags"]) == 2
        assert report["seconds"]["embedding images"] >= 0
        assert (report["attempts"], report["total_seconds"] >= sum(report["seconds"].values()) - 0.1) == (1, True)
        assert "same.jpg: the same photo as roses/001.jpg" in outcome.stderr
        assert "roses/notes.txt: " in outcome.stderr
        assert r"\u202e" in outcome.stderr
        assert "‮" not in outcome.stderr
        yield running


def shown(suite: SuiteProcess, *arguments: str | Path) -> Any:
    """Returns what a command answers with --json."""
    return json.loads(suite.run(*arguments, "--json").stdout)


def failure(suite: SuiteProcess, *arguments: str | Path) -> str:
    """Returns the one line of a command that fails."""
    outcome = suite.run(*arguments, check=False)
    assert outcome.returncode == 1
    assert outcome.stderr.count("\n") == 1, outcome.stderr
    return outcome.stderr


def test_nothing_changed_is_no_failure(suite: SuiteProcess, flowers: Path) -> None:
    """A second run on the same folder shows the figures of the iteration that there is and publishes as asked."""
    outcome = suite.run("train", flowers, "--publish-name", "staging")
    assert "Nothing changed" in outcome.stderr
    assert "16 already there" in outcome.stderr
    assert "all tags" in outcome.stdout
    assert [model["publish_name"] for model in shown(suite, "models")] == ["staging"]
    suite.run("train", flowers)
    assert [model["publish_name"] for model in shown(suite, "models")] == ["production"]


def test_predictions(suite: SuiteProcess, flowers: Path) -> None:
    """Images are answered in order, as a table and as JSON; one that cannot be used leaves exit code 1."""
    images = [flowers / "roses" / "003.jpg", flowers / "roses" / "notes.txt", flowers / "roses" / "004.jpg"]
    outcome = suite.run("predict", *images, *P, "--json", check=False)
    assert outcome.returncode == 1
    answers = json.loads(outcome.stdout)
    assert [answer["image"] for answer in answers] == [str(image) for image in images]
    assert [sorted(answer) for answer in answers] == [
        ["image", "predictions"], ["error", "image", "predictions"], ["image", "predictions"],
    ]  # fmt: skip
    assert sorted(answers[0]["predictions"][0]) == ["probability", "tag_name"]
    table = suite.run("predict", images[0], *P, "--all").stdout
    assert "roses" in table
    assert "tulips 🌷" in table
    assert "%" in table
    assert "Nothing is published as 'nope'" in failure(suite, "predict", images[0], *P, "--publish-name", "nope")


def test_backbone_and_retraining(suite: SuiteProcess) -> None:
    """The backbone is told in words, iterations say which one they rest on, and a project is trained again."""
    current = shown(suite, "backbone")
    assert current["backbone"]["weights_source"] == "WEIGHTS_SOURCE_BUILT_IN"
    assert (current["failure_reason"], current["improvable_iterations"]) == ("", [])
    words = f"{current['backbone']['architecture']}, the small built-in weights"
    told = suite.run("backbone")
    assert words in told.stdout
    assert "retrain" not in told.stderr
    assert shown(suite, "backbone", *P) == current
    compact = shown(suite, "backbone", "--domain", "General (compact)")
    assert (compact["improvable_iterations"], compact["renewed_iterations"]) == ([], [])
    both = suite.run("backbone", *P, "--domain", "General", check=False)
    assert (both.returncode, "not both" in both.stderr) == (2, True)
    assert words in suite.run("iterations", "show", "production", *P).stdout
    unchanged = shown(suite, "retrain", *P)
    assert (unchanged["trained"], unchanged["backbone"]) == (False, current["backbone"])
    assert "images" not in unchanged
    again = suite.run("retrain", *P, "--force")
    assert words in again.stdout
    assert "'Iteration 2' answers as 'production'" in again.stdout
    suite.run("iterations", "publish", "1", *P, "--overwrite")
    suite.run("iterations", "delete", "2", *P, "--yes")


def test_evaluation(suite: SuiteProcess, flowers: Path, tmp_path: Path) -> None:
    """Held-out images are listed, a folder of one's own is measured and not kept, and two iterations are compared."""
    held_out = shown(suite, "iterations", "show", "1", *P)["performance"]["overall"]["held_out_image_count"]
    results = shown(suite, "iterations", "results", "1", *P)
    assert len(results) == held_out > 0
    assert [result["right"] for result in results] == sorted(result["right"] for result in results)
    outcome = suite.run("iterations", "evaluate", flowers, *P, "--json")
    answer = json.loads(outcome.stdout)
    assert answer["performance"]["overall"]["held_out_image_count"] == len(answer["results"]) == 17
    assert answer["unreadable_image_ids"] == ["roses/notes.txt"]
    assert "roses/notes.txt" in outcome.stderr
    # The rose among the tulips is told from them.
    assert [result["image_id"] for result in answer["results"] if not result["right"]] == [
        f"{list(COLORS)[1]}/same.jpg"
    ]
    lilies = write_folder(tmp_path / "lilies", {"lilies": [photo(1)]})
    assert "'lilies', which the iteration does not know" in failure(suite, "iterations", "evaluate", lilies, *P)
    newer = shown(suite, "retrain", *P, "--force")["iteration_name"]
    compared = shown(suite, "iterations", "compare", newer, "1", *P)
    assert (compared["image_count"], compared["chance_probability"]) == (held_out, 1.0)
    assert "same iteration" in failure(suite, "iterations", "compare", "1", "1", *P)
    suite.run("iterations", "publish", "1", *P, "--overwrite")
    suite.run("iterations", "delete", newer, *P, "--yes")
    assert len(shown(suite, "images", "list", *P)) == 16


def test_projects(suite: SuiteProcess) -> None:
    """Projects are made, told apart by id where they share a name, renamed and deleted; a published one stays."""
    assert "published" in failure(suite, "projects", "delete", "flowers", "--yes")
    second = suite.run("projects", "create", "flowers", "--multilabel", "--description", "d").stdout.strip()
    assert second in failure(suite, "projects", "show", "flowers")
    assert shown(suite, "projects", "show", second)["classification_type"] == "CLASSIFICATION_TYPE_MULTILABEL"
    suite.run("projects", "rename", second, "more [red]flowers")
    assert "more [red]flowers" in suite.run("projects", "list").stdout
    suite.run("projects", "delete", "more [red]flowers", "--yes")
    assert [project["name"] for project in shown(suite, "projects", "list")] == ["flowers"]
    assert "no project 'gone'" in failure(suite, "projects", "show", "gone")


def test_copies(suite: SuiteProcess, flowers: Path) -> None:
    """A copy gets the name with a number, or one that is given, and its model answers as that of its source."""
    copy = suite.run("projects", "copy", "flowers").stdout.strip()
    shown_copy = shown(suite, "projects", "show", "flowers (1)")
    assert (shown_copy["project_id"], shown_copy["image_count"]) == (copy, 16)
    named = suite.run("projects", "copy", copy, "--name", "herbarium").stdout.strip()
    assert shown(suite, "projects", "show", "herbarium")["project_id"] == named
    suite.run("iterations", "publish", "1", "--project", named, "--publish-name", "copy")
    image = flowers / "roses" / "003.jpg"
    answers = [shown(suite, "predict", image, "--project", project) for project in ("flowers", "herbarium")]
    assert answers[0] == answers[1]
    suite.run("iterations", "unpublish", "1", "--project", named, "--yes")
    for project in (copy, named):
        suite.run("projects", "delete", project, "--yes")
    assert "no project 'gone'" in failure(suite, "projects", "copy", "gone")


def test_tags(suite: SuiteProcess) -> None:
    """Tags are listed with their counts, made, renamed and deleted."""
    assert [tag["image_count"] for tag in shown(suite, "tags", "list", *P)] == [8, 8]
    made = suite.run("tags", "create", "other", *P, "--negative").stdout.strip()
    suite.run("tags", "rename", made, "none of these", *P)
    assert "none of these" in suite.run("tags", "list", *P).stdout
    assert "no tag 'other'" in failure(suite, "tags", "delete", "other", *P, "--yes")
    suite.run("tags", "delete", "none of these", *P, "--yes")
    assert len(shown(suite, "tags", "list", *P)) == 2


def test_images(suite: SuiteProcess, tmp_path: Path) -> None:
    """Images are listed by tag, shown, retagged, downloaded and deleted."""
    images = shown(suite, "images", "list", *P, "--tag", "roses")
    assert len(images) == 8
    assert "more than these 3" in suite.run("images", "list", *P, "--limit", "3").stderr
    image = images[-1]["image_id"]
    record = shown(suite, "images", "show", image, *P)
    assert (record["width"], record["metadata"], record["tags"][0]["tag_name"]) == (96, {}, "roses")
    assert not shown(suite, "images", "list", *P, "--filter", "split eq 'test'")
    assert "at character 7" in failure(suite, "images", "list", *P, "--filter", "split = 'test'")
    suite.run("images", "untag", image, *P, "--tag", "roses")
    assert [one["image_id"] for one in shown(suite, "images", "list", *P, "--untagged")] == [image]
    suite.run("images", "tag", image, *P, "--tag", "roses")
    target = suite.run("images", "download", image, *P, "-o", tmp_path).stdout.strip()
    assert Path(target).read_bytes().startswith(b"\xff\xd8")
    assert "1 image deleted" in suite.run("images", "delete", image, *P, "--yes").stdout
    assert len(shown(suite, "images", "list", *P)) == 15
    assert failure(suite, "images", "show", "gone", *P)


def test_iterations_and_runs(suite: SuiteProcess, tmp_path: Path) -> None:
    """Iterations are found by name, number and publish name, renamed, exported, withdrawn and deleted."""
    for name in ("Iteration 1", "1", "production"):
        assert shown(suite, "iterations", "show", name, *P)["performance"]["overall"]["held_out_image_count"] > 0
    suite.run("iterations", "rename", "1", "the first", *P)
    assert "the first" in suite.run("iterations", "list", *P).stdout
    exported = suite.run("export", "the first", *P, "--format", "openvino", "-o", tmp_path)
    assert exported.stdout.strip() == str(tmp_path / "iteration-1-openvino.zip")
    assert "openvino/model.xml" in ZipFile(tmp_path / "iteration-1-openvino.zip").namelist()
    assert "held-out images: the same likeliest tag for" in exported.stderr
    run = shown(suite, "runs", *P)[-1]
    assert "succeeded" in suite.run("cancel", run["training_run_id"]).stderr
    assert "published" in failure(suite, "iterations", "delete", "1", *P, "--yes")
    suite.run("iterations", "unpublish", "1", *P, "--yes")
    suite.run("iterations", "publish", "1", *P, "--publish-name", "again")
    assert "again" in suite.run("models").stdout
    suite.run("iterations", "unpublish", "1", *P, "--yes")
    suite.run("iterations", "delete", "1", *P, "--yes")
    assert "not trained yet" in suite.run("iterations", "list", *P).stdout
