"""Fetches from the project service what an export is made of."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from customvision.training.export.errors import model_damaged
from customvision.training.export.working_folder import (
    BACKBONE_FILE,
    IMAGE_IDS_FILE,
    IMAGES_FOLDER,
    MODEL_FILE,
    WEIGHTS_FILE,
)
from customvision.training.iterations import Iterations
from customvision.v1 import iterations_pb2

MAX_IMAGES = 64


async def fetch_makings(iterations: Iterations, iteration: iterations_pb2.Iteration, folder: Path) -> None:
    """Writes what Makings reads into ``folder``: the model, its backbone, and at most 64 of its held-out images.

    Raises ModelDamaged, OSError, and what the project service answers.
    """
    artifacts = iteration.artifacts
    wanted = {
        MODEL_FILE: artifacts.model_sha256,
        BACKBONE_FILE: artifacts.backbone_sha256,
        WEIGHTS_FILE: artifacts.backbone_weights_sha256,
    }
    for name, sha256 in wanted.items():
        data = await _verified(iterations, iteration, sha256)
        await asyncio.to_thread((folder / name).write_bytes, data)
    evaluation = await _verified(iterations, iteration, artifacts.evaluation_sha256)
    held_out = await asyncio.to_thread(_held_out, iteration, evaluation)
    await _fetch_images(iterations, iteration.project_id, evenly_spread(held_out, MAX_IMAGES), folder)


async def _fetch_images(iterations: Iterations, project_id: str, image_ids: Sequence[str], folder: Path) -> None:
    await asyncio.to_thread((folder / IMAGES_FOLDER).mkdir)
    written: list[str] = []
    async for image_id, data in iterations.image_files(project_id, image_ids):
        # Numbered: nothing that comes from afar becomes part of a path.
        await asyncio.to_thread((folder / IMAGES_FOLDER / str(len(written))).write_bytes, data)
        written.append(image_id)
    await asyncio.to_thread((folder / IMAGE_IDS_FILE).write_text, json.dumps(written))


async def _verified(iterations: Iterations, iteration: iterations_pb2.Iteration, sha256: str) -> bytes:
    data = await iterations.artifact(sha256)
    found = await asyncio.to_thread(hashlib.sha256, data)
    if found.hexdigest() != sha256:
        raise model_damaged(iteration, f"the artifact {sha256} came with other content")
    return data


def evenly_spread(ids: Sequence[str], count: int) -> list[str]:
    """Returns ``count`` of ``ids`` at even distances, or all of them where there are fewer."""
    chosen = min(count, len(ids))
    return [ids[position * len(ids) // chosen] for position in range(chosen)]


def _held_out(iteration: iterations_pb2.Iteration, evaluation: bytes) -> tuple[str, ...]:
    # numpy is loaded when someone first asks: the service starts faster and smaller without.
    from customvision.training.evaluation.performance import Evaluation
    from customvision.vision.artifacts import ArtifactInvalid

    try:
        return Evaluation.from_bytes(evaluation).image_ids
    except (ArtifactInvalid, KeyError, ValueError) as error:
        raise model_damaged(iteration, f"its evaluation cannot be read: {error}") from error
