"""Throughput of classification over HTTP, held against direct gRPC: the same model, photos and number of callers."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from figures import Figure
from photos import backbone_settings, class_photos

from customvision.client.settings import read_keys
from customvision.common.channel import open_channel
from customvision.common.keys import Keys
from customvision.common.processors import available_cores
from customvision.v1 import prediction_service_pb2
from customvision.v1.prediction_service_pb2_grpc import PredictionServiceStub
from suite import EMBED_WHEN_ASKED, TimedSuite, running_suite
from training import PUBLISH_NAME, create_project, train, upload

if TYPE_CHECKING:
    from customvision.v1.prediction_service_pb2_grpc import PredictionServiceAsyncStub

CALLERS = 16
WARM_UP_SECONDS = 1.0
ROUND_SECONDS = 4.0
ROUNDS = 5
BOUNDARY = "photo"

Ask = Callable[[bytes], Awaitable[None]]


def measure(folder: Path) -> list[Figure]:
    """Asks one published model for the same photos, in turns over gRPC and over HTTP."""
    photos = class_photos(folder, per_class=10)
    with running_suite(folder / "classifying", backbone_settings() | EMBED_WHEN_ASKED) as suite:
        with suite.client() as client:
            project_id, tags = create_project(client, list(photos))
            upload(client, project_id, tags, photos)
            train(client, project_id, photos[next(iter(photos))][0])
        suite.wait_until_calm()
        images = [path.read_bytes() for paths in photos.values() for path in paths]
        grpc_rate, http_rate = asyncio.run(_rates(suite, project_id, images))
    what = f"classify …/image/nostore over HTTP, {CALLERS} callers, net of their CPU"
    baseline = f"gRPC {grpc_rate:.0f} a second"
    return [Figure(what, f"{http_rate:.0f} a second, {http_rate / grpc_rate:.2f} of gRPC", baseline, "≥ 0.7 of gRPC")]


async def _rates(suite: TimedSuite, project_id: str, images: Sequence[bytes]) -> tuple[float, float]:
    """Returns the medians of the rounds over gRPC and over HTTP."""
    keys = Keys(**read_keys(suite.home))
    rates: tuple[list[float], list[float]] = [], []
    async with open_channel(suite.environment["CUSTOMVISION_PREDICTION_ADDRESS"], keys) as channel:
        over_grpc = _over_grpc(PredictionServiceStub(channel), project_id)
        connections = [
            await _Connection.open(suite.environment["CUSTOMVISION_HTTP_ADDRESS"], project_id, keys)
            for _ in range(CALLERS)
        ]
        both: tuple[list[Ask], list[Ask]] = ([over_grpc] * CALLERS, [each.ask for each in connections])
        for _ in range(ROUNDS):
            for rate, callers in zip(rates, both, strict=True):
                await _rate(callers, images, WARM_UP_SECONDS)
                rate.append(await _rate(callers, images, ROUND_SECONDS))
        for connection in connections:
            connection.close()
    return sorted(rates[0])[ROUNDS // 2], sorted(rates[1])[ROUNDS // 2]


async def _rate(callers: Sequence[Ask], images: Sequence[bytes], seconds: float) -> float:
    """Returns the answers a second that the machine gave beside what its callers took of it."""
    queue = itertools.cycle(images)
    started, used = time.perf_counter(), time.process_time()
    count = 0

    async def call(ask: Ask) -> None:
        nonlocal count
        while time.perf_counter() - started < seconds:
            await ask(next(queue))
            count += 1

    await asyncio.gather(*map(call, callers))
    passed, used = time.perf_counter() - started, time.process_time() - used
    return count / (passed - used / available_cores())


def _over_grpc(stub: "PredictionServiceAsyncStub", project_id: str) -> Ask:
    async def ask(image: bytes) -> None:
        request = prediction_service_pb2.PredictRequest(
            project_id=project_id, publish_name=PUBLISH_NAME, image_data=image
        )
        await stub.Predict(request)

    return ask


class _Connection:
    """A connection of HTTP that does no more than it must, so that the server is what is measured."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: str) -> None:
        self._reader, self._writer, self._head = reader, writer, head

    @classmethod
    async def open(cls, address: str, project_id: str, keys: Keys) -> "_Connection":
        """Connects to the gateway."""
        host, _, port = address.rpartition(":")
        path = f"/customvision/v3.1/prediction/{project_id}/classify/iterations/{PUBLISH_NAME}/image/nostore"
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {address}\r\nPrediction-Key: {keys.prediction_key}\r\n"
            f"Accept: application/json\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
        )
        return cls(*await asyncio.open_connection(host, int(port)), head)

    async def ask(self, image: bytes) -> None:
        """Posts one image as the SDKs do and reads the answer. Raises RuntimeError where it is no prediction."""
        part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="imageData"\r\n\r\n'.encode()
        body = part + image + f"\r\n--{BOUNDARY}--\r\n".encode()
        self._writer.write(f"{self._head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        answer = await self._reader.readexactly(length)
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(answer.decode())

    def close(self) -> None:
        """Ends the connection."""
        self._writer.close()
