"""From the call to the published model answering, and what a few more photos cost."""

import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from figures import Figure
from photos import backbone_settings, class_photos

from customvision.client import Client
from customvision.v1 import projects_pb2, tags_pb2, training_service_pb2
from suite import EMBED_WHEN_ASKED, running_suite

PER_CLASS = 30
TEST_PER_CLASS = 50
PUBLISH_NAME = "production"
PHASE_PREFIX = "TRAINING_PHASE_"


@dataclass(frozen=True)
class TimedTraining:
    """Seconds from the call to the published model's answer, and those that each of the run's phases says it took."""

    seconds: float
    phases: dict[str, float]

    @property
    def work(self) -> float:
        """The seconds of all phases."""
        return sum(self.phases.values())


def measure(folder: Path) -> list[Figure]:
    """Trains on 30 photos per class with a prepared backbone, then again after three more photos."""
    photos = class_photos(folder, per_class=PER_CLASS + TEST_PER_CLASS)
    learned = {name: paths[:PER_CLASS] for name, paths in photos.items()}
    unseen = {name: paths[PER_CLASS:] for name, paths in photos.items()}
    probe = next(iter(photos.values()))[-1]
    count = PER_CLASS * len(photos)
    # What a training costs whose photos came just before it.
    with running_suite(folder / "training", backbone_settings() | EMBED_WHEN_ASKED) as suite, suite.client() as client:
        project_id, tags = create_project(client, list(photos))
        upload(client, project_id, tags, learned)
        suite.wait_until_calm()
        first = train(client, project_id, probe).seconds
        accuracy = _accuracy(client, project_id, unseen)
        three = {name: paths[-1:] for name, paths in list(photos.items())[:3]}
        upload(client, project_id, tags, three)
        second = train(client, project_id, probe).seconds
    with running_suite(folder / "embedded", backbone_settings()) as suite, suite.client() as client:
        project_id, tags = create_project(client, list(photos))
        upload(client, project_id, tags, learned)
        suite.wait_until_embedded(count)
        embedded = train(client, project_id, probe).seconds
    guide = keras_guide(folder, learned, unseen)
    return [
        Figure(
            f"training {count} photos, call to answer",
            f"{first:.2f} s",
            baseline=f"Keras guide's recipe: {guide['seconds']:.1f} s" if guide else "needs ImageNet weights",
            goal="≤ 3 s, ≥ 20× faster",
        ),
        Figure(
            f"training {count} photos that came a while ago", f"{embedded:.2f} s", baseline=f"just now: {first:.2f} s"
        ),
        Figure(
            f"accuracy on {sum(map(len, unseen.values()))} unseen photos",
            f"{accuracy:.3f}",
            baseline=f"Keras guide's recipe: {guide['accuracy']:.3f}" if guide else "needs ImageNet weights",
            goal="more accurate",
        ),
        Figure("training again after 3 photos", f"{second:.2f} s", baseline=f"{first:.2f} s for all"),
    ]


def _accuracy(client: Client, project_id: str, unseen: dict[str, list[Path]]) -> float:
    right = [
        client.predict(project_id, path, PUBLISH_NAME).predictions[0].tag_name == name
        for name, paths in unseen.items()
        for path in paths
    ]
    return sum(right) / len(right)


def keras_guide(folder: Path, learned: dict[str, list[Path]], unseen: dict[str, list[Path]]) -> dict[str, float]:
    """Runs the baseline on the same photos; returns its seconds and accuracy, or nothing without ImageNet weights."""
    weights = backbone_settings().get("CUSTOMVISION_BACKBONE_WEIGHTS")
    if weights is None:
        return {}
    for part, photos in (("learned", learned), ("unseen", unseen)):
        for name, paths in photos.items():
            (folder / part / name).mkdir(parents=True)
            for path in paths:
                shutil.copy(path, folder / part / name)
    program = Path(__file__).with_name("keras_guide.py")
    command = [sys.executable, str(program), str(folder / "learned"), str(folder / "unseen"), weights]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own
    result: dict[str, float] = json.loads(printed.splitlines()[-1])
    return result


def create_project(client: Client, tag_names: list[str]) -> tuple[str, dict[str, str]]:
    """Creates a project; returns its id, and those of its tags by name."""
    project_id = client.project.CreateProject(projects_pb2.CreateProjectRequest(name="bench")).project_id
    return project_id, {
        name: client.project.CreateTag(tags_pb2.CreateTagRequest(project_id=project_id, name=name)).tag_id
        for name in tag_names
    }


def upload(client: Client, project_id: str, tags: dict[str, str], photos: dict[str, list[Path]]) -> None:
    """Uploads the photos of each class with its tag."""
    for name, paths in photos.items():
        for _ in client.upload_images(project_id, paths, [tags[name]]):
            pass


def train(client: Client, project_id: str, probe: Path, *, force: bool = False) -> TimedTraining:
    """Trains, publishes and asks once; ``force`` trains also where nothing changed."""
    started = time.perf_counter()
    run = client.start_training(project_id, force=force)
    phases: dict[str, float] = {}
    for event in client.watch_training(run.training_run_id):
        if event.WhichOneof("detail") == "progress":
            name = training_service_pb2.TrainingPhase.Name(event.progress.phase).removeprefix(PHASE_PREFIX)
            phases[name.lower().replace("_", " ")] = event.progress.elapsed.ToTimedelta().total_seconds()
    client.publish(project_id, run.iteration_id, PUBLISH_NAME, overwrite=True)
    client.wait_until_served(project_id, PUBLISH_NAME, run.iteration_id)
    answer = client.predict(project_id, probe, PUBLISH_NAME)
    seconds = time.perf_counter() - started
    if answer.iteration_id != run.iteration_id:
        raise RuntimeError("another iteration answered")
    return TimedTraining(seconds, phases)
