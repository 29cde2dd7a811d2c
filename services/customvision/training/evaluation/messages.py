"""Between what evaluation thinks in and what travels."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from customvision.training.evaluation.result_filter import (
    ResultFilter,
    ResultOrder,
    ResultOrderUnknown,
    checked_any_tags,
)
from customvision.training.messages import metrics_message
from customvision.v1 import stored_predictions_pb2, training_service_pb2

if TYPE_CHECKING:
    from customvision.training.evaluation.calibration_error import CalibrationFigures
    from customvision.training.evaluation.comparison import Comparison
    from customvision.training.evaluation.cross_validation import CrossValidation
    from customvision.training.evaluation.image_results import ImageResult
    from customvision.training.evaluation.performance import Performance, TagFigures
    from customvision.training.evaluation.precision_recall import CurvePoint
    from customvision.training.evaluation.user_test_sets import TestSetOutcome

_ORDERS = {
    training_service_pb2.IMAGE_RESULT_ORDER_UNSPECIFIED: ResultOrder.SUREST_ERRORS_FIRST,
    training_service_pb2.IMAGE_RESULT_ORDER_SUREST_ERRORS_FIRST: ResultOrder.SUREST_ERRORS_FIRST,
    training_service_pb2.IMAGE_RESULT_ORDER_OLDEST_FIRST: ResultOrder.OLDEST_FIRST,
    training_service_pb2.IMAGE_RESULT_ORDER_NEWEST_FIRST: ResultOrder.NEWEST_FIRST,
}


def performance_message(
    iteration_id: str, performance: "Performance", *, figures_only: bool = False
) -> training_service_pb2.IterationPerformance:
    """Returns an iteration's performance as it travels; ``figures_only`` leaves out what no threshold changes."""
    message = training_service_pb2.IterationPerformance(
        iteration_id=iteration_id,
        threshold=performance.threshold,
        overall=metrics_message(performance.overall),
        tags=map(_tag, performance.tags),
    )
    if not figures_only:
        unchanging = training_service_pb2.IterationPerformance(
            confusion=_confusion(performance),
            calibration=_calibration(performance.calibration),
            cross_validation=_cross_validation(performance.cross_validation),
        )
        message.MergeFrom(unchanging)
    return message


def curve_message(points: "Iterable[CurvePoint]") -> training_service_pb2.PrecisionRecallCurve:
    """Returns a curve as it travels."""
    return training_service_pb2.PrecisionRecallCurve(
        points=[
            training_service_pb2.PrecisionRecallPoint(
                threshold=point.threshold, precision=point.precision, recall=point.recall
            )
            for point in points
        ]
    )


def result_filter_of(request: training_service_pb2.ListImageResultsRequest) -> ResultFilter:
    """Returns which results a caller asks for. Raises TooManyTags, ResultOrderUnknown."""
    if request.order not in _ORDERS:
        names = ", ".join(order.name for order in ResultOrder)
        raise ResultOrderUnknown(
            f"order is {request.order}, which stands for nothing; choose one of {names}.", field="order"
        )
    return ResultFilter(
        wrong_only=request.wrong_only,
        tag_id=request.tag_id,
        taken_for_tag_id=request.taken_for_tag_id,
        tag_ids=checked_any_tags(request.tag_ids),
        wrong_tag_id=request.wrong_tag_id,
        order=_ORDERS[request.order],
    )


def results_messages(results: "Iterable[ImageResult]") -> list[training_service_pb2.ImageResult]:
    """Returns results of images as they travel."""
    return [
        training_service_pb2.ImageResult(
            image_id=result.image_id,
            tag_ids=result.tag_ids,
            predictions=[
                stored_predictions_pb2.TagProbability(
                    tag_id=answer.tag_id, tag_name=answer.tag_name, probability=answer.probability
                )
                for answer in result.predictions
            ],
            right=result.right,
        )
        for result in results
    ]


def comparison_message(comparison: "Comparison") -> training_service_pb2.IterationComparison:
    """Returns a comparison as it travels."""
    return training_service_pb2.IterationComparison(
        image_count=comparison.image_count,
        metrics=metrics_message(comparison.metrics),
        other_metrics=metrics_message(comparison.other_metrics),
        improved_image_ids=comparison.improved_image_ids,
        worsened_image_ids=comparison.worsened_image_ids,
        chance_probability=comparison.chance_probability,
    )


def test_set_message(iteration_id: str, outcome: "TestSetOutcome") -> training_service_pb2.EvaluateIterationResponse:
    """Returns how an iteration does on a test set as it travels."""
    return training_service_pb2.EvaluateIterationResponse(
        performance=performance_message(iteration_id, outcome.performance),
        results=results_messages(outcome.results),
        unreadable_image_ids=outcome.unreadable_image_ids,
    )


def _tag(tag: "TagFigures") -> training_service_pb2.TagPerformance:
    return training_service_pb2.TagPerformance(
        tag_id=tag.tag_id,
        tag_name=tag.tag_name,
        precision=tag.precision,
        recall=tag.recall,
        average_precision=tag.average_precision,
        held_out_image_count=tag.held_out_image_count,
        image_count=tag.image_count,
    )


def _confusion(performance: "Performance") -> training_service_pb2.ConfusionMatrix | None:
    if performance.confusion is None:
        return None
    return training_service_pb2.ConfusionMatrix(
        tag_ids=[tag.tag_id for tag in performance.tags],
        counts=[count for row in performance.confusion for count in row],
    )


def _calibration(calibration: "CalibrationFigures") -> training_service_pb2.Calibration:
    return training_service_pb2.Calibration(
        expected_calibration_error=calibration.expected_calibration_error,
        uncalibrated_error=calibration.uncalibrated_error,
        bins=[
            training_service_pb2.CalibrationBin(
                lower=part.lower,
                upper=part.upper,
                answer_count=part.answer_count,
                mean_probability=part.mean_probability,
                right_share=part.right_share,
            )
            for part in calibration.bins
        ],
    )


def _cross_validation(folds: "CrossValidation | None") -> training_service_pb2.CrossValidation | None:
    if folds is None:
        return None
    return training_service_pb2.CrossValidation(
        folds=folds.folds,
        accuracy_mean=folds.accuracy_mean,
        accuracy_deviation=folds.accuracy_deviation,
        average_precision_mean=folds.average_precision_mean,
        average_precision_deviation=folds.average_precision_deviation,
    )
