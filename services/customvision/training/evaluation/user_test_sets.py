"""Measures iterations on test sets that users send: spooled, computed in a process of its own, and forgotten."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from customvision.common.durable_files import TEMPORARY_PREFIX
from customvision.training.children.child_process import ChildStopped, reports_of
from customvision.training.evaluation.iteration_performance import check_threshold, completed_iteration
from customvision.training.evaluation.spool import KnownTags, SentImage, Spool
from customvision.training.full_disk import full_disk_told
from customvision.training.iterations import Iterations

if TYPE_CHECKING:
    from customvision.training.evaluation.image_results import ImageResult
    from customvision.training.evaluation.performance import Performance

MODULE = "customvision.training.evaluation"
MODEL_FILE, BACKBONE_FILE, PROBABILITIES_FILE = "model.zip", "backbone.zip", "probabilities.npy"
# Of an answer with all results: below the 32 MiB that clients receive.
MAX_RESULT_BYTES = 24 * 1024 * 1024
BYTES_BESIDE_TEXT = 16

log = structlog.get_logger()


class EvaluationFailed(Exception):
    """The model could not be measured; the log says more."""


@dataclass(frozen=True)
class TestSetOutcome:
    """How a model does on a test set: figures, a result per image, and the images that could not be decoded."""

    performance: "Performance"
    results: "tuple[ImageResult, ...]"
    unreadable_image_ids: tuple[str, ...]


class UserTestSets:
    """Measures test sets, one at a time, for each needs all cores; they are received side by side into ``folder``."""

    def __init__(self, iterations: Iterations, folder: Path) -> None:
        self._iterations = iterations
        self._folder = folder
        self._one_at_a_time = asyncio.Lock()

    async def evaluate(
        self, project_id: str, iteration_id: str, threshold: float, images: AsyncIterator[SentImage]
    ) -> TestSetOutcome:
        """Measures an iteration on ``images``, of which nothing is kept.

        Raises ThresholdInvalid, IterationNotCompleted, NotFound, EvaluationFailed, and what Spool raises.
        """
        check_threshold(threshold)
        iteration = await completed_iteration(self._iterations, project_id, iteration_id)
        prefix = f"{TEMPORARY_PREFIX}evaluation-"
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=prefix, dir=self._folder))
        try:
            await self._fetch(iteration.artifacts.model_sha256, folder / MODEL_FILE)
            await self._fetch(iteration.artifacts.backbone_sha256, folder / BACKBONE_FILE)
            spool = Spool(folder, await asyncio.to_thread(_known_tags, folder / MODEL_FILE))
            async for image in images:
                await spool.add(image)
            spool.check_complete()
            async with self._one_at_a_time:
                await _compute(folder, len(spool.image_ids))
            return await asyncio.to_thread(_outcome, spool, threshold)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _fetch(self, sha256: str, file: Path) -> None:
        data = await self._iterations.artifact(sha256)
        with full_disk_told():
            await asyncio.to_thread(file.write_bytes, data)


async def _compute(folder: Path, image_count: int) -> None:
    request = {"folder": str(folder), "image_count": image_count}
    try:
        async with contextlib.aclosing(reports_of(MODULE, request)) as reports:
            async for _ in reports:
                pass
    except ChildStopped as error:
        log.error("an evaluation failed", log_tail=error.log_tail)
        raise EvaluationFailed from error


def _known_tags(model_file: Path) -> KnownTags:
    # numpy is loaded when someone first asks: the service starts faster and smaller without.
    from customvision.vision.artifacts import ModelArtifact

    model = ModelArtifact.from_bytes(model_file.read_bytes())
    return KnownTags(
        tag_ids=tuple(label.tag_id for label in model.labels),
        tag_names=tuple(label.tag_name for label in model.labels),
        multilabel=model.head.multilabel,
    )


def _outcome(spool: Spool, threshold: float) -> TestSetOutcome:
    import numpy as np

    from customvision.training.evaluation.image_results import results_at, wanted_rows
    from customvision.training.evaluation.performance import Evaluation
    from customvision.training.evaluation.result_filter import ResultFilter

    probabilities = np.load(spool.folder / PROBABILITIES_FILE, allow_pickle=False)
    readable = np.isfinite(probabilities).all(axis=1)
    truth = np.zeros(probabilities.shape, np.uint8)
    for row, tags in enumerate(spool.tags):
        truth[row, list(tags)] = 1
    evaluation = Evaluation(
        image_ids=tuple(spool.image_ids[row] for row in np.flatnonzero(readable)),
        tag_ids=spool.known.tag_ids,
        tag_names=spool.known.tag_names,
        image_counts=tuple(truth[readable].sum(axis=0).tolist()),
        multilabel=spool.known.multilabel,
        truth=truth[readable],
        probabilities=probabilities[readable],
    )
    rows = wanted_rows(evaluation, threshold, ResultFilter())
    likeliest = _tags_per_result(spool)
    return TestSetOutcome(
        performance=evaluation.performance(threshold),
        results=tuple(results_at(evaluation, rows, threshold, likeliest=likeliest)),
        unreadable_image_ids=tuple(spool.image_ids[row] for row in np.flatnonzero(~readable)),
    )


def _tags_per_result(spool: Spool) -> int:
    """Returns how many tags each result can name so that all of them fit into one message, at least one."""
    names = [name.encode() for name in spool.known.tag_names]
    each = BYTES_BESIDE_TEXT + len(spool.known.tag_ids[0]) + sum(map(len, names)) // len(names)
    ids = sum(len(image_id.encode()) for image_id in spool.image_ids)
    return max(1, (MAX_RESULT_BYTES - ids) // (each * len(spool.image_ids)) - 1)
