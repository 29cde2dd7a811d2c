"""From the call to the published model answering, and what a few more photos cost."""

import time
from pathlib import Path

from figures import Figure
from photos import backbone_settings, class_photos

from customvision.client import Client
from customvision.v1 import projects_pb2, tags_pb2, training_service_pb2
from suite import running_suite

PER_CLASS = 30
PUBLISH_NAME = "production"


def measure(folder: Path) -> list[Figure]:
    """Trains on 30 photos per class with a prepared backbone, then again after three more photos."""
    photos = class_photos(folder, per_class=PER_CLASS + 1)
    with running_suite(folder / "training", backbone_settings()) as suite, suite.client() as client:
        project = client.project.CreateProject(projects_pb2.CreateProjectRequest(name="bench"))
        tags = {
            name: client.project.CreateTag(tags_pb2.CreateTagRequest(project_id=project.project_id, name=name)).tag_id
            for name in photos
        }
        upload(client, project.project_id, tags, {name: paths[:PER_CLASS] for name, paths in photos.items()})
        suite.wait_until_calm()
        probe = next(iter(photos.values()))[-1]
        first = train(client, project.project_id, probe)
        accuracy = next(client.list_iterations(project.project_id)).metrics.accuracy
        three = {name: paths[-1:] for name, paths in list(photos.items())[:3]}
        upload(client, project.project_id, tags, three)
        second = train(client, project.project_id, probe)
    count = PER_CLASS * len(photos)
    return [
        Figure(
            f"training {count} photos, call to answer",
            f"{first:.2f} s",
            baseline="Keras guide's recipe: 52 s (measured once, not in this run)",
            goal="≤ 3 s",
        ),
        Figure("held-out accuracy", f"{accuracy:.3f}"),
        Figure("training again after 3 photos", f"{second:.2f} s", baseline=f"{first:.2f} s for all"),
    ]


def upload(client: Client, project_id: str, tags: dict[str, str], photos: dict[str, list[Path]]) -> None:
    """Uploads the photos of each class with its tag."""
    for name, paths in photos.items():
        for _ in client.upload_images(project_id, paths, [tags[name]]):
            pass


def train(client: Client, project_id: str, probe: Path) -> float:
    """Trains, publishes and asks once; returns the seconds from the call to the answer."""
    started = time.perf_counter()
    run = client.training.StartTraining(training_service_pb2.StartTrainingRequest(project_id=project_id))
    for _ in client.watch_training(run.training_run_id):
        pass
    client.publish(project_id, run.iteration_id, PUBLISH_NAME, overwrite=True)
    client.wait_until_served(project_id, PUBLISH_NAME, run.iteration_id)
    answer = client.predict(project_id, probe, PUBLISH_NAME)
    seconds = time.perf_counter() - started
    if answer.iteration_id != run.iteration_id:
        raise RuntimeError("another iteration answered")
    return seconds
