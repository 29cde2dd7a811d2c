"""From scores of images that were left out to probabilities."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customvision.training.computation.calibration import (
    LARGEST_SLOPE,
    SMALLEST_SLOPE,
    Truth,
    calibrate,
    log_loss,
    uncalibrated,
)
from customvision.training.computation.inner_products import Matrix
from customvision.training.evaluation.calibration_error import calibration_of
from customvision.vision.head import sigmoid, softmax

IMAGES = 6000


def drawn(probabilities: Matrix, *, multilabel: bool) -> Truth:
    """Returns what images with these probabilities turn out to be."""
    random = np.random.default_rng(1)
    if multilabel:
        return (random.random(probabilities.shape) < probabilities).astype(np.uint8)
    tag_of = (random.random((len(probabilities), 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
    truth: Truth = np.eye(probabilities.shape[1], dtype=np.uint8)[tag_of]
    return truth


def test_temperature_is_recovered() -> None:
    """Where truth was drawn from scores times seven, about seven is found."""
    scores = np.random.default_rng(0).uniform(-0.2, 1.0, (IMAGES, 4))
    calibration = calibrate(scores, drawn(softmax(7 * scores), multilabel=False), multilabel=False)
    assert calibration.slopes == pytest.approx([7] * 4, rel=0.05)
    assert (calibration.offsets == 0).all()


def test_lines_are_recovered() -> None:
    """Where truth was drawn from a line for each tag, about these lines are found."""
    scores = np.random.default_rng(0).uniform(-0.2, 1.0, (IMAGES, 2))
    slopes, offsets = np.array([4.0, 9.0]), np.array([-1.0, -4.0])
    calibration = calibrate(scores, drawn(sigmoid(scores * slopes + offsets), multilabel=True), multilabel=True)
    assert calibration.slopes == pytest.approx(slopes, rel=0.1)
    assert calibration.offsets == pytest.approx(offsets, rel=0.1)


@pytest.mark.parametrize("multilabel", [False, True])
def test_calibration_makes_probabilities_honest(multilabel: bool) -> None:
    """On images that the calibration was not learned from, its error is small and a fraction of that before."""
    scores = np.random.default_rng(0).uniform(0, 0.6, (IMAGES, 3))
    logits = 9 * scores - 3
    truth = drawn(sigmoid(logits) if multilabel else softmax(logits), multilabel=multilabel)
    half = IMAGES // 2
    calibration = calibrate(scores[:half], truth[:half], multilabel=multilabel)
    told = calibration_of(
        truth[half:],
        calibration.probabilities(scores[half:]).astype(np.float32),
        uncalibrated(scores[half:], multilabel=multilabel).astype(np.float32),
        multilabel=multilabel,
    )
    assert told.expected_calibration_error < 0.03
    assert told.expected_calibration_error < told.uncalibrated_error / 3


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_extremes_stay_modest(multilabel: bool, sign: float) -> None:
    """Where all or none of a few scores are right, probabilities are neither certain nor the wrong way round."""
    truth = np.eye(2, dtype=np.uint8)[np.arange(10) % 2]
    scores: Matrix = sign * (truth.astype(np.float64) - 0.5)
    calibration = calibrate(scores, truth, multilabel=multilabel)
    assert (calibration.slopes >= SMALLEST_SLOPE).all()
    assert (calibration.slopes <= LARGEST_SLOPE).all()
    probabilities = calibration.probabilities(scores)
    right = probabilities[truth == 1]
    assert (right < 0.99).all()
    assert right == pytest.approx(0.9 if sign > 0 else 0.5, abs=0.06)


def test_a_slope_that_was_bounded_has_an_offset_of_its_own() -> None:
    """Where higher scores are found to be less probable, probabilities are about the share of the tag."""
    present = np.array([1, 1, 0, 0, 0, 0, 0, 0, 0, 0], np.uint8)[:, None]
    scores = np.where(present, 0.1, 0.4).astype(np.float64)
    probabilities = calibrate(scores, present, multilabel=True).probabilities(scores)
    assert probabilities == pytest.approx(0.23, abs=0.04)


def test_a_tag_with_nothing_to_learn_from_is_calibrated_like_the_others() -> None:
    """A tag that no image left out carries, or that all do, takes the line of all tags together."""
    scores = np.random.default_rng(0).uniform(-0.2, 1.0, (400, 4))
    truth = drawn(sigmoid(8 * scores - 4), multilabel=True)
    truth[:, 2], truth[:, 3] = 0, 1
    calibration = calibrate(scores, truth, multilabel=True)
    assert calibration.slopes[2] == calibration.slopes[3] > 1
    assert calibration.probabilities(np.array([[1.0] * 4]))[0, 2] > calibration.probabilities(np.zeros((1, 4)))[0, 2]


def test_single_positive_is_not_taken_for_certainty() -> None:
    """Of a tag that one image of fifty carries, that image's probability is high, and not near 1."""
    present = np.zeros((50, 1), np.uint8)
    present[7] = 1
    scores = np.where(present, 0.8, 0.05).astype(np.float64)
    probability = calibrate(scores, present, multilabel=True).probabilities(scores)[7, 0]
    assert 0.5 < probability < 0.8


@given(
    scores=st.lists(st.lists(st.floats(-50, 50), min_size=3, max_size=3), min_size=1, max_size=12),
    multilabel=st.booleans(),
    seed=st.integers(0, 50),
)
@settings(max_examples=120, deadline=None)
def test_whatever_the_scores_probabilities_are_finite(scores: list[list[float]], multilabel: bool, seed: int) -> None:
    """Any scores and truth give probabilities from 0 to 1, and a finite loss."""
    found = np.array(scores)
    random = np.random.default_rng(seed)
    truth = np.eye(3, dtype=np.uint8)[random.integers(0, 3, len(found))]
    if multilabel:
        truth = random.integers(0, 2, found.shape).astype(np.uint8)
    calibration = calibrate(found, truth, multilabel=multilabel)
    for probabilities in (calibration.probabilities(found), uncalibrated(found, multilabel=multilabel)):
        assert ((probabilities >= 0) & (probabilities <= 1)).all()
        assert multilabel or probabilities.sum(axis=1) == pytest.approx(1)
        assert np.isfinite(log_loss(probabilities, truth, multilabel=multilabel))


def test_log_loss_by_hand() -> None:
    """One answer of a quarter and one of a half cost the mean of two and one bits; other tags count in multilabel."""
    truth = np.array([[1, 0], [0, 1]], np.uint8)
    probabilities = np.array([[0.25, 0.75], [0.5, 0.5]])
    assert log_loss(probabilities, truth, multilabel=False) == pytest.approx(1.5 * np.log(2))
    assert log_loss(probabilities, truth, multilabel=True) == pytest.approx(1.5 * np.log(2))


def test_scores_before_calibration_are_shares() -> None:
    """Scores are taken for probabilities, cut to 0 and 1; multiclass, they add up, evenly where all are 0."""
    scores = np.array([[1.5, 0.5, -1.0], [-1.0, -2.0, 0.0]])
    assert uncalibrated(scores, multilabel=True).tolist() == [[1.0, 0.5, 0.0], [0.0, 0.0, 0.0]]
    assert uncalibrated(scores, multilabel=False) == pytest.approx(np.array([[2 / 3, 1 / 3, 0], [1 / 3] * 3]))
