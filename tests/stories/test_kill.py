"""Services killed with SIGKILL in the middle of things."""

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from customvision.client import Client, ClientSettings
from customvision.client.settings import read_keys
from customvision.v1 import training_service_pb2
from pictures import photo
from suite_process import SuiteProcess, best_tag, wait_until, write_folder

COLORS = {"red": (200, 40, 40), "blue": (40, 60, 200)}
PER_CLASS = 120


@pytest.fixture(scope="module")
def photos() -> dict[str, list[bytes]]:
    """Photos of two classes that take long enough to upload and to train on to be interrupted."""
    return {name: [photo(seed, color=color) for seed in range(PER_CLASS)] for name, color in COLORS.items()}


@pytest.fixture
def large_folder(tmp_path: Path, photos: dict[str, list[bytes]]) -> Path:
    """A folder of all photos, named for the test's own temporary folder."""
    return write_folder(tmp_path / f"large-{tmp_path.name}", photos)


@pytest.fixture(scope="module")
def trained_folder(
    suite: SuiteProcess, tmp_path_factory: pytest.TempPathFactory, photos: dict[str, list[bytes]]
) -> Path:
    """A folder of a few photos whose model is published."""
    few = {name: files[:10] for name, files in photos.items()}
    folder = write_folder(tmp_path_factory.mktemp("trained") / "trained", few)
    suite.run("train", folder)
    return folder


@pytest.fixture
def client(suite: SuiteProcess) -> Client:
    """A client of the running suite."""
    addresses = {
        f"{name}_address": suite.environment[f"CUSTOMVISION_{name.upper()}_ADDRESS"]
        for name in ("project", "training", "prediction")
    }
    return Client(ClientSettings(**addresses, **read_keys(suite.home)))


def image_count(client: Client, name: str) -> int:
    """Returns how many images the project of that name has; 0 before it exists."""
    projects = list(client.list_projects(name))
    return projects[0].image_count if projects else 0


def is_embedding(client: Client, name: str) -> bool:
    """Tells whether a run of the project is computing features now."""
    projects = list(client.list_projects(name))
    runs = list(client.list_training_runs(projects[0].project_id)) if projects else []
    return bool(runs) and runs[0].phase >= training_service_pb2.TRAINING_PHASE_EMBEDDING_IMAGES


def kill_when(
    suite: SuiteProcess, victim: str, training: "subprocess.Popen[str]", moment: Callable[[], bool]
) -> tuple[str, str]:
    """Kills ``victim`` once ``moment()`` is true and returns what the training command said in the end."""
    wait_until(lambda: moment() or training.poll() is not None, 60)
    assert training.poll() is None, "the moment to kill was missed"
    suite.kill(victim)
    return training.communicate(timeout=180)


def test_project_is_killed_during_an_upload(suite: SuiteProcess, client: Client, large_folder: Path) -> None:
    """An upload goes on after the project service was killed in it, and every photo is there once."""
    name = large_folder.name
    training = suite.spawn("train", large_folder)
    stdout, stderr = kill_when(suite, "project", training, lambda: 0 < image_count(client, name) < 2 * PER_CLASS)
    assert training.returncode == 0, stdout + stderr + suite.log.read_text()
    assert image_count(client, name) == 2 * PER_CLASS
    assert best_tag(suite, large_folder / "red" / "003.jpg", name) == "red"


@pytest.mark.parametrize("victim", ["training", "project", "prediction"])
def test_a_service_is_killed_during_a_training(
    suite: SuiteProcess, client: Client, large_folder: Path, victim: str
) -> None:
    """A training reaches its end, and its model answers, although a service was killed in it."""
    name = large_folder.name
    training = suite.spawn("train", large_folder)
    stdout, stderr = kill_when(suite, victim, training, lambda: is_embedding(client, name))
    assert training.returncode == 0, stdout + stderr + suite.log.read_text()
    assert best_tag(suite, large_folder / "blue" / "003.jpg", name) == "blue"


def test_predictions_go_on_while_project_is_away(suite: SuiteProcess, client: Client, trained_folder: Path) -> None:
    """A caller notices nothing of the project service being killed and started again."""
    project_id = client.find_project(trained_folder.name).project_id
    image = (trained_folder / "red" / "000.jpg").read_bytes()
    failures: list[Exception] = []
    answers = 0
    done = threading.Event()

    def ask() -> None:
        nonlocal answers
        while not done.is_set():
            try:
                client.predict(project_id, image)
            except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
                failures.append(error)
            answers += 1

    caller = threading.Thread(target=ask)
    caller.start()
    suite.kill("project")
    wait_until(suite.is_ready, 30, suite.log.read_text)
    after = answers
    wait_until(lambda: answers > after + 20, 30)
    done.set()
    caller.join()
    assert not failures


def test_prediction_answers_again_after_a_kill(suite: SuiteProcess, trained_folder: Path) -> None:
    """A prediction service that was killed answers again by itself, without anyone publishing anew."""
    before = suite.service("prediction").pid
    suite.kill("prediction")
    wait_until(lambda: suite.is_ready() and suite.service("prediction").pid != before, 30, suite.log.read_text)
    assert best_tag(suite, trained_folder / "blue" / "000.jpg", trained_folder.name) == "blue"
