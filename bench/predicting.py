"""Latency of Predict for one caller, held against decode and inference without a server in this process."""

import itertools
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from figures import Figure
from photos import backbone_settings, class_photos

from customvision.v1 import artifacts_pb2
from customvision.vision.artifacts import BackboneArtifact
from customvision.vision.decoding import decode_for_backbone
from customvision.vision.trunk import Trunk
from suite import EMBED_WHEN_ASKED, running_suite
from training import PUBLISH_NAME, create_project, train, upload

REQUESTS = 400
WARM_UP = 40


def measure(folder: Path) -> list[Figure]:
    """Asks one published model for the same photos, then decodes and embeds them here."""
    photos = class_photos(folder, per_class=10)
    with (
        running_suite(folder / "predicting", backbone_settings() | EMBED_WHEN_ASKED) as suite,
        suite.client() as client,
    ):
        project_id, tags = create_project(client, list(photos))
        upload(client, project_id, tags, photos)
        train(client, project_id, photos[next(iter(photos))][0])
        images = [path.read_bytes() for paths in photos.values() for path in paths]
        served = _percentiles(images, lambda data: client.predict(project_id, data, PUBLISH_NAME))
        artifacts = next(client.list_iterations(project_id)).artifacts
        request = artifacts_pb2.GetArtifactRequest(sha256=artifacts.backbone_sha256)
        backbone = BackboneArtifact.from_bytes(b"".join(chunk.data for chunk in client.project.GetArtifact(request)))
    with tempfile.TemporaryDirectory() as models:
        trunk = Trunk.load(*backbone.write_model(Path(models)))
    bare = _percentiles(images, lambda data: trunk.embed(decode_for_backbone(data, trunk.input_size)))
    return [
        Figure("Predict, one caller, p50", f"{served[0]:.2f} ms", f"bare {bare[0]:.2f} ms", "within 1 ms of bare"),
        Figure("Predict, one caller, p99", f"{served[1]:.2f} ms", f"bare {bare[1]:.2f} ms"),
    ]


def _percentiles(images: list[bytes], ask: Callable[[bytes], object]) -> tuple[float, float]:
    milliseconds = []
    for data in itertools.islice(itertools.cycle(images), WARM_UP + REQUESTS):
        started = time.perf_counter()
        ask(data)
        milliseconds.append((time.perf_counter() - started) * 1000)
    counted = milliseconds[WARM_UP:]
    return float(np.percentile(counted, 50)), float(np.percentile(counted, 99))
