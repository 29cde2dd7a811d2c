"""The performance of iterations, computed from their evaluation artifacts."""

import asyncio
import math
from collections import OrderedDict
from typing import TYPE_CHECKING

from customvision.common.errors import FailedPrecondition, InvalidArgument
from customvision.training.iterations import Iterations
from customvision.v1 import iterations_pb2

if TYPE_CHECKING:
    from customvision.training.performance import Performance

CACHED_EVALUATIONS = 8


class ThresholdInvalid(InvalidArgument):
    """The threshold is no probability."""

    reason = "THRESHOLD_INVALID"


class IterationNotCompleted(FailedPrecondition):
    """The iteration has no model: its training runs, failed or was cancelled."""

    reason = "ITERATION_NOT_COMPLETED"


class IterationPerformances:
    """Answers how iterations do; keeps the evaluations that were asked for last."""

    def __init__(self, iterations: Iterations) -> None:
        self._iterations = iterations
        self._artifacts: OrderedDict[str, bytes] = OrderedDict()

    async def of(self, project_id: str, iteration_id: str, threshold: float) -> "Performance":
        """Returns the figures at ``threshold``. Raises ThresholdInvalid, IterationNotCompleted, and NotFound."""
        if not (math.isfinite(threshold) and 0.0 <= threshold <= 1.0):
            raise ThresholdInvalid(f"threshold is {threshold}; it must be from 0 to 1.", field="threshold")
        iteration = await completed_iteration(self._iterations, project_id, iteration_id)
        artifact = await self._artifact(iteration.artifacts.evaluation_sha256)
        return await asyncio.to_thread(_performance, artifact, threshold)

    async def _artifact(self, sha256: str) -> bytes:
        if sha256 not in self._artifacts:
            self._artifacts[sha256] = await self._iterations.artifact(sha256)
        self._artifacts.move_to_end(sha256)
        while len(self._artifacts) > CACHED_EVALUATIONS:
            self._artifacts.popitem(last=False)
        return self._artifacts[sha256]


async def completed_iteration(iterations: Iterations, project_id: str, iteration_id: str) -> iterations_pb2.Iteration:
    """Returns an iteration that has a model. Raises IterationNotCompleted, and NotFound where there is none."""
    iteration = await iterations.get(project_id, iteration_id)
    if iteration.status != iterations_pb2.ITERATION_STATUS_COMPLETED:
        raise IterationNotCompleted(
            f"Iteration '{iteration.name}' has no model; wait until its training has succeeded, or train again.",
            metadata={"iteration_id": iteration_id},
        )
    return iteration


def _performance(artifact: bytes, threshold: float) -> "Performance":
    # numpy is loaded when someone first asks: the service starts faster and smaller without.
    from customvision.training.performance import Evaluation

    return Evaluation.from_bytes(artifact).performance(threshold)
