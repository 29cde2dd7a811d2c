"""The spread of figures over folds."""

import numpy as np
import pytest

from customvision.training.evaluation.cross_validation import cross_validation_of

TRUTH = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], np.uint8)


def test_mean_and_deviation_over_folds() -> None:
    """One fold wholly right and one half right: accuracy 0.75, with the standard deviation of a sample of two."""
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.9, 0.1], [0.7, 0.3]], np.float32)
    figures = cross_validation_of(np.array([0, 0, 1, 1]), TRUTH, probabilities, multilabel=False)
    assert figures is not None
    assert figures.folds == 2
    assert figures.accuracy_mean == pytest.approx(0.75)
    assert figures.accuracy_deviation == pytest.approx(0.5 / np.sqrt(2))
    assert figures.average_precision_mean == pytest.approx(1.0)
    assert figures.average_precision_deviation == pytest.approx(0.0)


def test_images_of_no_fold_count_nowhere() -> None:
    """Images with a negative fold are left out, and numbers of folds that hold no image make no fold."""
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.1, 0.9], [0.9, 0.1]], np.float32)
    figures = cross_validation_of(np.array([0, 4, -1, -1]), TRUTH, probabilities, multilabel=False)
    assert figures is not None
    assert (figures.folds, figures.accuracy_mean) == (2, 1.0)
    assert cross_validation_of(np.array([-1] * 4), TRUTH, probabilities, multilabel=False) is None


def test_one_fold_has_no_spread() -> None:
    """A single fold has a mean and no deviation; in multilabel every yes and no counts."""
    probabilities = np.array([[0.9, 0.6]] * 4, np.float32)
    figures = cross_validation_of(np.zeros(4, np.int64), TRUTH, probabilities, multilabel=True)
    assert figures is not None
    assert (figures.accuracy_mean, figures.accuracy_deviation) == (0.5, 0.0)
