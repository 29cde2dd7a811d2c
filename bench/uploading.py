"""Durably acknowledged uploads per second."""

import io
import time
from pathlib import Path

import numpy as np
from figures import Figure
from PIL import Image

from customvision.v1 import projects_pb2
from suite import running_suite

IMAGES = 1000
SIDE = 240


def measure(folder: Path) -> list[Figure]:
    """Uploads pictures of about 20 KB, each different, over the client's own streams."""
    pictures = draw_pictures(folder / "pictures", IMAGES)
    total = sum(picture.stat().st_size for picture in pictures)
    with running_suite(folder / "uploading", {"CUSTOMVISION_BACKBONE_DOWNLOAD": "off"}) as suite:
        suite.wait_until_calm()
        with suite.client() as client:
            project = client.project.CreateProject(projects_pb2.CreateProjectRequest(name="bench"))
            started = time.perf_counter()
            count = sum(1 for _ in client.upload_images(project.project_id, pictures))
            seconds = time.perf_counter() - started
    what = f"images of {total / count / 1000:.0f} KB acknowledged, each fsynced"
    return [Figure(what, f"{count / seconds:.0f} a second", goal="≥ 300 a second")]


def draw_pictures(folder: Path, count: int, side: int = SIDE) -> list[Path]:
    """Draws ``count`` pictures into ``folder``, each different, and returns them: of 240 pixels and about 20 KB."""
    folder.mkdir()
    pictures = []
    for seed in range(count):
        buffer = io.BytesIO()
        noise = np.random.default_rng(seed).normal(128, 30, (side, side, 3)).clip(0, 255).astype(np.uint8)
        Image.fromarray(noise).save(buffer, "JPEG", quality=60)
        pictures.append(folder / f"{seed}.jpg")
        pictures[-1].write_bytes(buffer.getvalue())
    return pictures
