"""GetPerformance, ListImageResults and CompareIterations over the wire."""

from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from customvision.training.evaluation.cross_validation import CrossValidation
from customvision.v1 import training_service_pb2
from evaluation_service import Artifacts, ServeService, evaluation, evaluation_service, performance_request
from project_calls import refusal_of

TRUTH = [[1, 0], [1, 0], [0, 1], [0, 1], [1, 0]]
PROBABILITIES = [[0.9, 0.1], [0.4, 0.6], [0.95, 0.05], [0.45, 0.55], [0.8, 0.2]]


@pytest.fixture
def artifacts() -> Artifacts:
    """Two iterations that were measured, and one that has only a failure."""
    artifacts = Artifacts()
    folds = CrossValidation(5, 0.8, 0.05, 0.85, 0.04)
    uncalibrated = np.array(PROBABILITIES, np.float32).round()
    artifacts.add(
        "newer", evaluation=evaluation(TRUTH, PROBABILITIES, cross_validation=folds, uncalibrated=uncalibrated)
    )
    artifacts.add("older", evaluation=evaluation(TRUTH, [[1 - p, p] for p, _ in PROBABILITIES]))
    artifacts.add("elsewhere", evaluation=evaluation([[1, 0]], [[0.9, 0.1]], image_ids=["x"]))
    artifacts.add("several", evaluation=evaluation(TRUTH, PROBABILITIES, multilabel=True))
    return artifacts


def results_request(**options: Any) -> training_service_pb2.ListImageResultsRequest:
    """Returns the request for the newer iteration's results."""
    return training_service_pb2.ListImageResultsRequest(**{"project_id": "p", "iteration_id": "newer", **options})


def curve_request(iteration_id: str, **options: Any) -> training_service_pb2.GetPrecisionRecallCurveRequest:
    """Returns the request for an iteration's curve."""
    return training_service_pb2.GetPrecisionRecallCurveRequest(project_id="p", iteration_id=iteration_id, **options)


def comparison_request(iteration_id: str, other: str, **options: Any) -> training_service_pb2.CompareIterationsRequest:
    """Returns the request that compares two iterations."""
    return training_service_pb2.CompareIterationsRequest(
        project_id="p", iteration_id=iteration_id, other_iteration_id=other, **options
    )


async def test_performance_holds_all_figures(artifacts: Artifacts, tmp_path: Path, serve_service: ServeService) -> None:
    """The performance comes with confusion, calibration and cross-validation, unless figures alone are asked for.

    Multilabel has no confusion.
    """
    async with evaluation_service(artifacts, tmp_path, serve_service) as service:
        performance = await service.GetPerformance(performance_request("newer"))
        assert list(performance.confusion.tag_ids) == ["a", "b"]
        assert list(performance.confusion.counts) == [2, 1, 1, 1]
        assert sum(part.answer_count for part in performance.calibration.bins) == 5
        assert performance.calibration.uncalibrated_error == pytest.approx(2 / 5)
        assert 0 < performance.calibration.expected_calibration_error < 1
        assert performance.cross_validation.folds == 5
        assert performance.cross_validation.average_precision_deviation == 0.04
        figures = await service.GetPerformance(performance_request("newer", threshold=0.7, figures_only=True))
        unchanging = [figures.HasField(name) for name in ("confusion", "calibration", "cross_validation")]
        assert (unchanging, figures.threshold, len(figures.tags)) == ([False] * 3, 0.7, 2)
        several = await service.GetPerformance(performance_request("several"))
        assert not several.HasField("confusion")
        assert not several.HasField("cross_validation")
        assert sum(part.answer_count for part in several.calibration.bins) == 10


async def test_a_curve_is_told_of_all_tags_and_of_one(
    artifacts: Artifacts, tmp_path: Path, serve_service: ServeService
) -> None:
    """At each of its thresholds a curve says what the performance says; a tag that is unknown is refused."""
    async with evaluation_service(artifacts, tmp_path, serve_service) as service:
        overall = (await service.GetPrecisionRecallCurve(curve_request("newer"))).points
        of_tag = (await service.GetPrecisionRecallCurve(curve_request("newer", tag_id="b"))).points
        assert len(overall) > len(of_tag) == 5
        for points, tag in ((overall, None), (of_tag, 1)):
            assert [point.recall for point in points] == sorted(point.recall for point in points)
            for point in points:
                told = await service.GetPerformance(performance_request("newer", threshold=point.threshold))
                figures = told.overall if tag is None else told.tags[tag]
                assert (figures.precision, figures.recall) == pytest.approx((point.precision, point.recall))
        unknown = await refusal_of(service.GetPrecisionRecallCurve(curve_request("newer", tag_id="z")))
        assert unknown.reason == "TAG_NOT_IN_ITERATION"
        failed = await refusal_of(service.GetPrecisionRecallCurve(curve_request("failed")))
        assert failed.reason == "ITERATION_NOT_COMPLETED"


async def test_results_come_page_by_page(artifacts: Artifacts, tmp_path: Path, serve_service: ServeService) -> None:
    """Pages put together give each image once, in order; a token is good for its own filter only."""
    async with evaluation_service(artifacts, tmp_path, serve_service) as service:
        found: list[str] = []
        token = ""
        for size in (2, 2, 2):
            page = await service.ListImageResults(results_request(page_size=size, page_token=token))
            found += [result.image_id for result in page.results]
            token = page.next_page_token
        assert found == ["2", "1", "3", "4", "0"]
        assert token == ""
        first = await service.ListImageResults(results_request(page_size=2))
        other = results_request(page_size=2, page_token=first.next_page_token, wrong_only=True)
        assert (await refusal_of(service.ListImageResults(other))).reason == "PAGE_TOKEN_INVALID"


async def test_results_are_filtered(artifacts: Artifacts, tmp_path: Path, serve_service: ServeService) -> None:
    """Wrong images, images of a tag and images taken for a tag can be asked for alone."""
    async with evaluation_service(artifacts, tmp_path, serve_service) as service:

        async def ids(**options: Any) -> list[str]:
            return [result.image_id for result in (await service.ListImageResults(results_request(**options))).results]

        assert await ids(wrong_only=True) == ["2", "1"]
        assert await ids(tag_id="a") == ["1", "4", "0"]
        assert await ids(tag_id="a", taken_for_tag_id="b") == ["1"]
        assert await ids(iteration_id="several", threshold=0.42, wrong_only=True) == ["2", "1", "3"]
        refused = await refusal_of(service.ListImageResults(results_request(tag_id="nothing")))
        assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "TAG_NOT_IN_ITERATION")
        assert refused.fields == ["tag_id"]


async def test_results_of_any_tag_by_age(artifacts: Artifacts, tmp_path: Path, serve_service: ServeService) -> None:
    """Results of several tags come in the order asked for, after those passed over, with the number that match."""
    async with evaluation_service(artifacts, tmp_path, serve_service) as service:
        newest_first = training_service_pb2.IMAGE_RESULT_ORDER_NEWEST_FIRST
        options = {"tag_ids": ["b", "a", "a"], "order": newest_first, "skip": 1, "page_size": 2}
        first = await service.ListImageResults(results_request(**options))
        assert ([result.image_id for result in first.results], first.total_count) == (["3", "2"], 5)
        token = first.next_page_token
        second = await service.ListImageResults(results_request(**options, page_token=token))
        assert ([result.image_id for result in second.results], second.total_count) == (["1", "0"], 5)
        assert second.next_page_token == ""
        same = {**options, "tag_ids": ["a", "b"]}
        assert await service.ListImageResults(results_request(**same, page_token=token)) == second
        for changed in ({"skip": 0}, {"tag_ids": ["a"]}, {"order": 0}):
            other = results_request(**{**options, **changed}, page_token=token)
            assert (await refusal_of(service.ListImageResults(other))).reason == "PAGE_TOKEN_INVALID"
        beyond = await service.ListImageResults(results_request(skip=7))
        assert (list(beyond.results), beyond.next_page_token, beyond.total_count) == ([], "", 5)


@pytest.mark.parametrize(
    ("options", "code", "reason", "field"),
    [
        ({"skip": -1}, grpc.StatusCode.INVALID_ARGUMENT, "SKIP_INVALID", "skip"),
        ({"order": 9}, grpc.StatusCode.INVALID_ARGUMENT, "ENUM_VALUE_INVALID", "order"),
        ({"tag_ids": ["a"] * 21}, grpc.StatusCode.INVALID_ARGUMENT, "TOO_MANY_ITEMS", "tag_ids"),
        ({"tag_ids": ["a", "z"]}, grpc.StatusCode.NOT_FOUND, "TAG_NOT_IN_ITERATION", "tag_ids"),
    ],
)
async def test_results_that_cannot_be_asked_for(
    artifacts: Artifacts,
    tmp_path: Path,
    serve_service: ServeService,
    options: dict[str, Any],
    code: grpc.StatusCode,
    reason: str,
    field: str,
) -> None:
    """A filter, an order or a skip that makes no sense is refused by its name."""
    async with evaluation_service(artifacts, tmp_path, serve_service) as service:
        refused = await refusal_of(service.ListImageResults(results_request(**options)))
        assert (refused.code, refused.reason, refused.fields) == (code, reason, [field])


async def test_comparison_names_what_changed(artifacts: Artifacts, tmp_path: Path, serve_service: ServeService) -> None:
    """A comparison holds both sides' figures, the images that changed, and whether that may be chance."""
    async with evaluation_service(artifacts, tmp_path, serve_service) as service:
        comparison = await service.CompareIterations(comparison_request("newer", "older"))
        assert comparison.image_count == 5
        assert list(comparison.improved_image_ids) == ["0", "3", "4"]
        assert list(comparison.worsened_image_ids) == ["1", "2"]
        assert (comparison.metrics.accuracy, comparison.other_metrics.accuracy) == (0.6, 0.4)
        assert comparison.chance_probability == 1.0


@pytest.mark.parametrize(
    ("iteration", "other", "options", "code", "reason"),
    [
        ("newer", "newer", {}, grpc.StatusCode.INVALID_ARGUMENT, "SAME_ITERATION"),
        ("newer", "", {}, grpc.StatusCode.INVALID_ARGUMENT, "FIELD_MISSING"),
        ("newer", "elsewhere", {}, grpc.StatusCode.FAILED_PRECONDITION, "ITERATIONS_NOT_COMPARABLE"),
        ("newer", "several", {}, grpc.StatusCode.FAILED_PRECONDITION, "ITERATIONS_NOT_COMPARABLE"),
        ("newer", "failed", {}, grpc.StatusCode.FAILED_PRECONDITION, "ITERATION_NOT_COMPLETED"),
        ("failed", "newer", {}, grpc.StatusCode.FAILED_PRECONDITION, "ITERATION_NOT_COMPLETED"),
        ("newer", "older", {"threshold": 1.5}, grpc.StatusCode.INVALID_ARGUMENT, "THRESHOLD_INVALID"),
        ("newer", "older", {"threshold": float("nan")}, grpc.StatusCode.INVALID_ARGUMENT, "THRESHOLD_INVALID"),
    ],
)
async def test_comparison_refusals(
    artifacts: Artifacts,
    tmp_path: Path,
    serve_service: ServeService,
    iteration: str,
    other: str,
    options: dict[str, float],
    code: grpc.StatusCode,
    reason: str,
) -> None:
    """What cannot be compared is refused with the cause."""
    async with evaluation_service(artifacts, tmp_path, serve_service) as service:
        refused = await refusal_of(service.CompareIterations(comparison_request(iteration, other, **options)))
        assert (refused.code, refused.reason) == (code, reason)
