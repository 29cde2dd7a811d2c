"""What the REST gateway lets through, held against gRPC calls to the services behind it."""

import http.client
import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from figures import Figure
from photos import backbone_settings, class_photos
from uploading import draw_pictures

from customvision.client.settings import read_keys
from customvision.v1 import images_pb2
from suite import EMBED_WHEN_ASKED, TimedSuite, running_suite
from training import PUBLISH_NAME, create_project, train, upload

CALLERS = 16
WARM_UP, REQUESTS = 64, 1_600
UPLOADS = 600
PREDICTION, TRAINING = "/customvision/v3.1/prediction", "/customvision/v3.3/training"

Ask = Callable[[bytes], object]


def measure(folder: Path) -> list[Figure]:
    """Classifies photos and uploads pictures, both ways, by several callers at once."""
    photos = class_photos(folder, per_class=10)
    pictures = [path.read_bytes() for path in draw_pictures(folder / "pictures", 2 * UPLOADS)]
    settings = backbone_settings() | EMBED_WHEN_ASKED
    with running_suite(folder / "gateway", settings) as suite, suite.client() as client:
        project_id, tags = create_project(client, list(photos))
        upload(client, project_id, tags, photos)
        train(client, project_id, photos[next(iter(photos))][0])
        images = [path.read_bytes() for paths in photos.values() for path in paths]
        classify = f"{PREDICTION}/{project_id}/classify/iterations/{PUBLISH_NAME}/image/nostore"
        asked = list(itertools.islice(itertools.cycle(images), WARM_UP + REQUESTS))

        def create_image(data: bytes) -> None:
            images = [images_pb2.ImageUpload(image_data=data)]
            client.project.CreateImages(images_pb2.CreateImagesRequest(project_id=project_id, images=images))

        by_grpc = _per_second(asked, lambda data: client.predict(project_id, data, PUBLISH_NAME))
        by_rest = _per_second(asked, _Posts(suite, classify))
        uploaded_by_rest = _per_second(pictures[:UPLOADS], _Posts(suite, f"{TRAINING}/projects/{project_id}/images"), 0)
        uploaded_by_grpc = _per_second(pictures[UPLOADS:], create_image, 0)
    return [
        Figure(
            f"classify …/image/nostore, {CALLERS} callers",
            f"{by_rest:.0f} a second, {by_rest / by_grpc:.2f} of gRPC",
            f"Predict over gRPC: {by_grpc:.0f} a second",
            "≥ 0.7 of gRPC",
        ),
        Figure(
            f"images uploaded one by one, {CALLERS} callers",
            f"{uploaded_by_rest:.0f} a second",
            f"CreateImages over gRPC: {uploaded_by_grpc:.0f} a second",
        ),
    ]


class _Posts:
    """Posts a file as an SDK does, over a connection for each thread."""

    def __init__(self, suite: TimedSuite, path: str) -> None:
        self._address = suite.environment["CUSTOMVISION_HTTP_ADDRESS"]
        self._path, self._key = path, read_keys(suite.home)["training_key"]
        self._local = threading.local()

    def __call__(self, data: bytes) -> None:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = http.client.HTTPConnection(self._address)
        boundary = uuid.uuid4().hex
        part = f'--{boundary}\r\nContent-Disposition: form-data; name="imageData"\r\n\r\n'.encode()
        headers = {"Training-Key": self._key, "Content-Type": f"multipart/form-data; boundary={boundary}"}
        connection.request("POST", self._path, part + data + f"\r\n--{boundary}--\r\n".encode(), headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{self._path} answered {answer.status}: {text[:200]!r}")


def _per_second(images: Iterable[bytes], ask: Ask, warm_up: int = WARM_UP) -> float:
    every = list(images)
    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(ask, every[:warm_up]))
        started = time.perf_counter()
        list(pool.map(ask, every[warm_up:]))
        return (len(every) - warm_up) / (time.perf_counter() - started)
