"""Uploads a second over HTTP, held against CreateImages over gRPC: one image a call, by several callers at once."""

import http.client
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from figures import Figure
from uploading import draw_pictures

from customvision.client.settings import read_keys
from customvision.v1 import images_pb2, projects_pb2
from suite import TimedSuite, running_suite

CALLERS = 16
IMAGES = 600


def measure(folder: Path) -> list[Figure]:
    """Adds pictures to a project, each of which is durable when its answer comes."""
    pictures = [path.read_bytes() for path in draw_pictures(folder / "pictures", 2 * IMAGES)]
    with running_suite(folder / "posting", {"CUSTOMVISION_BACKBONE_DOWNLOAD": "off"}) as suite:
        suite.wait_until_calm()
        with suite.client() as client:
            project_id = client.project.CreateProject(projects_pb2.CreateProjectRequest(name="bench")).project_id

            def create_image(data: bytes) -> None:
                images = [images_pb2.ImageUpload(image_data=data)]
                client.project.CreateImages(images_pb2.CreateImagesRequest(project_id=project_id, images=images))

            by_http = _per_second(pictures[:IMAGES], _Posts(suite, project_id))
            by_grpc = _per_second(pictures[IMAGES:], create_image)
    what = f"images posted one by one, {CALLERS} callers"
    return [Figure(what, f"{by_http:.0f} a second", f"CreateImages over gRPC: {by_grpc:.0f} a second")]


class _Posts:
    """Posts an image as an SDK does, over a connection for each thread."""

    def __init__(self, suite: TimedSuite, project_id: str) -> None:
        self._address = suite.environment["CUSTOMVISION_HTTP_ADDRESS"]
        self._path = f"/customvision/v3.3/training/projects/{project_id}/images"
        self._key = read_keys(suite.home)["training_key"]
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


def _per_second(pictures: Sequence[bytes], upload: Callable[[bytes], None]) -> float:
    started = time.perf_counter()
    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(upload, pictures))
    return len(pictures) / (time.perf_counter() - started)
