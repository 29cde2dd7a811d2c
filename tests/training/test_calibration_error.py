"""How far probabilities can be taken at their word, on cases worked out by hand."""

import numpy as np
import pytest

from customvision.training.evaluation.calibration_error import CalibrationBin, calibration_of


def test_multiclass_holds_the_likeliest_tag_against_the_truth() -> None:
    """Ten images at 0.9 of which nine are right have no error; the other tags' probabilities do not count."""
    truth = np.array([[1, 0]] * 9 + [[0, 1]], np.uint8)
    probabilities = np.array([[0.9, 0.1]] * 10, np.float32)
    calibration = calibration_of(truth, probabilities, multilabel=False)
    assert calibration.expected_calibration_error == pytest.approx(0, abs=1e-6)
    (only,) = calibration.bins
    assert (only.lower, only.upper, only.answer_count) == (0.9, 1.0, 10)
    assert only.mean_probability == pytest.approx(0.9)
    assert only.right_share == pytest.approx(0.9)


def test_error_weighs_bins_by_their_answers() -> None:
    """Three answers at 0.95 that are all wrong and one at 0.55 that is right: 3/4 of 0.95 and 1/4 of 0.45."""
    truth = np.array([[0, 1], [0, 1], [0, 1], [1, 0]], np.uint8)
    probabilities = np.array([[0.95, 0.05]] * 3 + [[0.55, 0.45]], np.float32)
    error = calibration_of(truth, probabilities, multilabel=False).expected_calibration_error
    assert error == pytest.approx(0.75 * 0.95 + 0.25 * 0.45)


def test_multilabel_counts_every_tag() -> None:
    """In multilabel each tag's probability is an answer of its own."""
    truth = np.array([[1, 0], [1, 1]], np.uint8)
    probabilities = np.array([[0.8, 0.2], [0.8, 0.2]], np.float32)
    calibration = calibration_of(truth, probabilities, multilabel=True)
    assert [(part.answer_count, part.right_share) for part in calibration.bins] == [(2, 0.5), (2, 1.0)]
    assert calibration.expected_calibration_error == pytest.approx((0.3 + 0.2) / 2)


def test_uncalibrated_error_is_of_the_other_probabilities() -> None:
    """The error before calibration is told beside the one after; without such probabilities both are the same."""
    truth = np.array([[1, 0], [0, 1]], np.uint8)
    sure, modest = (np.array([[p, 1 - p]] * 2, np.float32) for p in (1.0, 0.5))
    assert calibration_of(truth, modest, sure, multilabel=False).uncalibrated_error == pytest.approx(0.5)
    assert calibration_of(truth, modest, sure, multilabel=False).expected_calibration_error == pytest.approx(0)
    alone = calibration_of(truth, sure, multilabel=False)
    assert alone.uncalibrated_error == alone.expected_calibration_error == pytest.approx(0.5)


@pytest.mark.parametrize(("probability", "lower"), [(0.0, 0.0), (0.3, 0.3), (0.7, 0.7), (0.999, 0.9), (1.0, 0.9)])
def test_bounds_belong_to_the_upper_bin(probability: float, lower: float) -> None:
    """A probability on a bound lies in the bin that begins there, though float32 cannot hold it; 1 in the last."""
    (part,) = calibration_of(np.ones((1, 1), np.uint8), np.full((1, 1), probability, np.float32), multilabel=True).bins
    assert part.lower == pytest.approx(lower)


def test_nothing_has_no_error() -> None:
    """Without answers there are no bins and no error."""
    empty = calibration_of(np.zeros((0, 2), np.uint8), np.zeros((0, 2), np.float32), multilabel=False)
    assert (empty.expected_calibration_error, empty.bins) == (0.0, ())
    assert CalibrationBin(0.0, 0.1, 1, 0.05, 0.0) not in empty.bins
