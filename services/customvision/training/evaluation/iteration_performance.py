"""The performance of iterations, computed from their evaluation artifacts."""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from customvision.common.errors import FailedPrecondition, InvalidArgument
from customvision.training.iterations import Iterations
from customvision.v1 import iterations_pb2

if TYPE_CHECKING:
    from customvision.training.evaluation.comparison import Comparison
    from customvision.training.evaluation.image_results import ImageResult
    from customvision.training.evaluation.performance import Evaluation, Performance
    from customvision.training.evaluation.precision_recall import CurvePoint
    from customvision.training.evaluation.result_filter import ResultFilter

CACHED_EVALUATIONS = 8

Result = TypeVar("Result")


class ThresholdInvalid(InvalidArgument):
    """The threshold is no probability."""

    reason = "THRESHOLD_INVALID"


class IterationNotCompleted(FailedPrecondition):
    """The iteration has no model: its training runs, failed or was cancelled."""

    reason = "ITERATION_NOT_COMPLETED"


class SameIteration(InvalidArgument):
    """An iteration is to be compared with itself."""

    reason = "SAME_ITERATION"


class IterationPerformances:
    """Answers how iterations do; keeps the evaluations that were asked for last.

    Every method raises IterationNotCompleted, NotFound where there is no such iteration, and ThresholdInvalid where it
    takes a threshold.
    """

    def __init__(self, iterations: Iterations) -> None:
        self._iterations = iterations
        self._artifacts: OrderedDict[str, bytes] = OrderedDict()

    async def of(self, project_id: str, iteration_id: str, threshold: float) -> "Performance":
        """Returns the figures at ``threshold``."""
        check_threshold(threshold)
        artifact = await self._artifact_of(project_id, iteration_id)
        return await _computed(artifact, lambda evaluation: evaluation.performance(threshold))

    async def curve(self, project_id: str, iteration_id: str, tag_id: str) -> "tuple[CurvePoint, ...]":
        """Returns how precision and recall go with the threshold; ``tag_id`` empty: of all tags together.

        Raises TagNotInIteration.
        """
        artifact = await self._artifact_of(project_id, iteration_id)
        return await asyncio.to_thread(_curve, artifact, tag_id)

    async def results(
        self, project_id: str, iteration_id: str, threshold: float, wanted: "ResultFilter", *, after: int, size: int
    ) -> "tuple[list[ImageResult], int]":
        """Returns ``size`` results at most that follow ``after`` others, and how many match in all.

        Raises TagNotInIteration.
        """
        check_threshold(threshold)
        artifact = await self._artifact_of(project_id, iteration_id)
        return await _computed(artifact, lambda evaluation: _page(evaluation, threshold, wanted, after, size))

    async def comparison(
        self, project_id: str, iteration_id: str, other_iteration_id: str, threshold: float
    ) -> "Comparison":
        """Holds two iterations against each other. Raises SameIteration, IterationsNotComparable."""
        check_threshold(threshold)
        if iteration_id == other_iteration_id:
            raise SameIteration(
                "Both ids are those of the same iteration; name another to compare it with.", field="other_iteration_id"
            )
        artifact = await self._artifact_of(project_id, iteration_id)
        other = await self._artifact_of(project_id, other_iteration_id)
        return await asyncio.to_thread(_comparison, artifact, other, threshold)

    async def _artifact_of(self, project_id: str, iteration_id: str) -> bytes:
        iteration = await completed_iteration(self._iterations, project_id, iteration_id)
        sha256 = iteration.artifacts.evaluation_sha256
        if sha256 not in self._artifacts:
            self._artifacts[sha256] = await self._iterations.artifact(sha256)
        self._artifacts.move_to_end(sha256)
        artifact = self._artifacts[sha256]
        while len(self._artifacts) > CACHED_EVALUATIONS:
            self._artifacts.popitem(last=False)
        return artifact


def check_threshold(threshold: float) -> None:
    """Raises ThresholdInvalid where ``threshold`` is no probability."""
    if not (math.isfinite(threshold) and 0.0 <= threshold <= 1.0):
        raise ThresholdInvalid(f"threshold is {threshold}; it must be from 0 to 1.", field="threshold")


async def completed_iteration(iterations: Iterations, project_id: str, iteration_id: str) -> iterations_pb2.Iteration:
    """Returns an iteration that has a model. Raises IterationNotCompleted, and NotFound where there is none."""
    iteration = await iterations.get(project_id, iteration_id)
    check_completed(iteration)
    return iteration


def check_completed(iteration: iterations_pb2.Iteration) -> None:
    """Raises IterationNotCompleted where the iteration has no model."""
    if iteration.status != iterations_pb2.ITERATION_STATUS_COMPLETED:
        raise IterationNotCompleted(
            f"Iteration '{iteration.name}' has no model; wait until its training has succeeded, or train again.",
            metadata={"iteration_id": iteration.iteration_id},
        )


async def _computed(artifact: bytes, compute: "Callable[[Evaluation], Result]") -> Result:
    return await asyncio.to_thread(lambda: compute(_evaluation(artifact)))


def _evaluation(artifact: bytes) -> "Evaluation":
    # numpy is loaded when someone first asks: the service starts faster and smaller without.
    from customvision.training.evaluation.performance import Evaluation

    return Evaluation.from_bytes(artifact)


def _page(
    evaluation: "Evaluation", threshold: float, wanted: "ResultFilter", after: int, size: int
) -> "tuple[list[ImageResult], int]":
    from customvision.training.evaluation.image_results import results_at, wanted_rows

    rows = wanted_rows(evaluation, threshold, wanted)
    return list(results_at(evaluation, rows[after : after + size], threshold)), len(rows)


def _curve(artifact: bytes, tag_id: str) -> "tuple[CurvePoint, ...]":
    from customvision.training.evaluation.precision_recall import curve_points

    return curve_points(_evaluation(artifact), tag_id)


def _comparison(artifact: bytes, other: bytes, threshold: float) -> "Comparison":
    from customvision.training.evaluation.comparison import compare

    return compare(_evaluation(artifact), _evaluation(other), threshold)
