"""What a training service tells of measured iterations, as scripts: its own measures of answers that a test makes."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from customvision.training.evaluation.comparison import compare
from customvision.training.evaluation.image_results import results_at, wanted_rows
from customvision.training.evaluation.messages import (
    comparison_message,
    curve_message,
    performance_message,
    result_filter_of,
    results_messages,
)
from customvision.training.evaluation.performance import Evaluation
from customvision.training.evaluation.precision_recall import curve_points
from customvision.v1 import training_service_pb2
from scripted_server import ScriptedCall

Script = Callable[[ScriptedCall], Any]


def evaluation_scripts(evaluations: Mapping[str, Evaluation]) -> dict[str, Script]:
    """Returns what is answered about iterations, by method; ``evaluations`` by iteration, also such as come later."""

    def performance(call: ScriptedCall) -> training_service_pb2.IterationPerformance:
        measured = evaluations[call.request.iteration_id].performance(_threshold(call))
        figures_only = call.request.figures_only
        return performance_message(call.request.iteration_id, measured, figures_only=figures_only)

    def curve(call: ScriptedCall) -> training_service_pb2.PrecisionRecallCurve:
        return curve_message(curve_points(evaluations[call.request.iteration_id], call.request.tag_id))

    def results(call: ScriptedCall) -> training_service_pb2.ListImageResultsResponse:
        evaluation, first = evaluations[call.request.iteration_id], int(call.request.page_token or 0)
        rows = wanted_rows(evaluation, _threshold(call), result_filter_of(call.request))
        following = first + call.request.page_size
        return training_service_pb2.ListImageResultsResponse(
            results=results_messages(results_at(evaluation, rows[first:following], _threshold(call))),
            next_page_token=str(following) if len(rows) > following else "",
            total_count=len(rows),
        )

    def comparison(call: ScriptedCall) -> training_service_pb2.IterationComparison:
        one, other = (evaluations[each] for each in (call.request.iteration_id, call.request.other_iteration_id))
        return comparison_message(compare(one, other, _threshold(call)))

    return {
        "GetPerformance": performance,
        "GetPrecisionRecallCurve": curve,
        "ListImageResults": results,
        "CompareIterations": comparison,
        "ListExports": lambda _: training_service_pb2.ListExportsResponse(),
    }


def drawn_evaluation(
    tags: int, image_ids: list[str], *, multilabel: bool = False, seed: int = 0, sureness: float = 2.0
) -> Evaluation:
    """Returns an evaluation of tags "tag 0", "tag 1", … that errs here and there, the less the greater ``sureness``."""
    random = np.random.default_rng(seed)
    truth = np.eye(tags, dtype=np.uint8)[np.arange(len(image_ids)) % tags]
    scores = random.normal(0, 1, truth.shape) + sureness * truth
    if multilabel:
        probabilities = 1 / (1 + np.exp(-2 * (scores - sureness / 2)))
    else:
        powers = np.exp(2 * scores)
        probabilities = powers / powers.sum(axis=1, keepdims=True)
    return Evaluation(
        image_ids=tuple(image_ids),
        tag_ids=tuple(f"id of {tag}" for tag in range(tags)),
        tag_names=tuple(f"tag {tag}" for tag in range(tags)),
        image_counts=tuple(int(count) * 5 for count in truth.sum(axis=0)),
        multilabel=multilabel,
        truth=truth,
        probabilities=probabilities.astype(np.float32),
    )


def _threshold(call: ScriptedCall) -> float:
    return float(call.request.threshold) if call.request.HasField("threshold") else 0.5
