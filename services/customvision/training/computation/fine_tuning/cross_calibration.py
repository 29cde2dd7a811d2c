"""Calibration of logits by each other: an image does not vouch for itself."""

import numpy as np

from customvision.training.computation.calibration import Truth, calibrate
from customvision.training.computation.inner_products import Matrix
from customvision.training.computation.left_out import FOLDS, folds_of


def cross_calibrated(logits: Matrix, truth: Truth, *, multilabel: bool) -> Matrix:
    """Returns probabilities float64[n, t] of logits float64[n, t], those of each fold calibrated by the others."""
    folds = folds_of(truth, np.arange(len(truth)))
    probabilities = np.empty_like(logits)
    for fold in range(FOLDS):
        own = folds == fold
        calibration = calibrate(logits[~own], truth[~own], multilabel=multilabel)
        probabilities[own] = calibration.probabilities(logits[own])
    return probabilities
