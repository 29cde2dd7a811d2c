"""Keeping answers: how many the project service acknowledges, one or 64 a call, and what keeping costs a prediction."""

import asyncio
import itertools
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from figures import Figure
from photos import backbone_settings, class_photos
from uploading import draw_pictures

from customvision.client import Client
from customvision.client.settings import read_keys
from customvision.common.channel import open_channel
from customvision.common.keys import Keys
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub
from customvision.v1.stored_predictions_pb2 import RecordPredictionRequest, RecordPredictionsRequest, TagProbability
from suite import EMBED_WHEN_ASKED, TimedSuite, running_suite
from training import PUBLISH_NAME, create_project, train, upload

if TYPE_CHECKING:
    from customvision.v1.project_service_pb2_grpc import ProjectServiceAsyncStub

SIDE = 400
ROUNDS = 5
RECORDS = 128
BATCH = 64
# As many calls at once as a prediction service makes, with batches and without.
SINGLE_CALLERS, BATCH_CALLERS = 4, 2
PREDICTIONS = 60
WARM_UP = 20


def measure(folder: Path) -> list[Figure]:
    """Records drawn photos alone and in batches, in turns; then asks a model for photos, kept and not, in turns."""
    pictures = [path.read_bytes() for path in draw_pictures(folder / "pictures", 2 * ROUNDS * RECORDS, SIDE)]
    photos = class_photos(folder, per_class=10)
    with (
        running_suite(folder / "storing", backbone_settings() | EMBED_WHEN_ASKED) as suite,
        suite.client() as client,
    ):
        project_id, tags = create_project(client, list(photos))
        upload(client, project_id, tags, photos)
        train(client, project_id, photos[next(iter(photos))][0])
        suite.wait_until_calm()
        alone, together = asyncio.run(_rates(suite, project_id, pictures))
        images = [path.read_bytes() for paths in photos.values() for path in paths]
        without, kept = _latencies(client, project_id, images)
    size = sum(map(len, pictures)) / len(pictures) / 1000
    return [
        Figure(
            f"answers with photos of {SIDE} pixels, {size:.0f} KB, acknowledged, {BATCH} a call",
            f"{together:.0f} a second",
            f"one a call {alone:.0f} a second",
        ),
        Figure("Predict with store, one caller, p50", f"{kept:.2f} ms", f"without {without:.2f} ms"),
    ]


async def _rates(suite: TimedSuite, project_id: str, pictures: Sequence[bytes]) -> tuple[float, float]:
    """Returns the medians of records a second over the rounds, one a call and many."""
    records = iter([_record(project_id, picture) for picture in pictures])
    alone, together = [], []
    address, keys = suite.environment["CUSTOMVISION_PROJECT_ADDRESS"], Keys(**read_keys(suite.home))
    async with open_channel(address, keys) as channel:
        stub: ProjectServiceAsyncStub = ProjectServiceStub(channel)
        for _ in range(ROUNDS):
            alone.append(await _alone(stub, list(itertools.islice(records, RECORDS))))
            together.append(await _together(stub, list(itertools.islice(records, RECORDS))))
    return median(alone), median(together)


async def _alone(stub: "ProjectServiceAsyncStub", records: list[RecordPredictionRequest]) -> float:
    waiting, started = iter(records), time.perf_counter()

    async def call() -> None:
        for record in waiting:
            await stub.RecordPrediction(record)

    await asyncio.gather(*(call() for _ in range(SINGLE_CALLERS)))
    return len(records) / (time.perf_counter() - started)


async def _together(stub: "ProjectServiceAsyncStub", records: list[RecordPredictionRequest]) -> float:
    batches = iter([records[first : first + BATCH] for first in range(0, len(records), BATCH)])
    started = time.perf_counter()

    async def call() -> None:
        for batch in batches:
            response = await stub.RecordPredictions(RecordPredictionsRequest(predictions=batch))
            if any(result.code for result in response.results):
                raise RuntimeError(response.results)

    await asyncio.gather(*(call() for _ in range(BATCH_CALLERS)))
    return len(records) / (time.perf_counter() - started)


def _record(project_id: str, picture: bytes) -> RecordPredictionRequest:
    answer = [TagProbability(tag_id=str(number), tag_name=f"tag {number}", probability=0.2) for number in range(5)]
    return RecordPredictionRequest(
        prediction_id=str(uuid.uuid4()), project_id=project_id, image_data=picture, predictions=answer
    )


def _latencies(client: Client, project_id: str, images: Sequence[bytes]) -> tuple[float, float]:
    """Returns the medians in milliseconds of predictions that are not kept and of those that are."""
    milliseconds: dict[bool, list[float]] = {False: [], True: []}
    photos = itertools.cycle(images)
    for store in [False, True] * ROUNDS:
        for number in range(WARM_UP + PREDICTIONS):
            started = time.perf_counter()
            client.predict(project_id, next(photos), PUBLISH_NAME, store=store)
            if number >= WARM_UP:
                milliseconds[store].append((time.perf_counter() - started) * 1000)
    return median(milliseconds[False]), median(milliseconds[True])
