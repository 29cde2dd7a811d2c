"""How much figures vary with the choice of images: their mean and spread over folds."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from customvision.training.evaluation.measures import (
    DEFAULT_THRESHOLD,
    Probabilities,
    Truth,
    accuracy,
    mean_average_precision,
)


@dataclass(frozen=True)
class CrossValidation:
    """Figures over ``folds`` folds, each measured by a head that learned from the others; all from 0 to 1.

    Deviations are standard deviations of a sample; 0 for a single fold.
    """

    folds: int
    accuracy_mean: float
    accuracy_deviation: float
    average_precision_mean: float
    average_precision_deviation: float


def cross_validation_of(
    fold_of: npt.NDArray[np.int64], truth: Truth, probabilities: Probabilities, multilabel: bool
) -> CrossValidation | None:
    """Returns the figures over the folds that have images, or None where no image is in one.

    ``fold_of`` int[n]: the fold of each image, negative for none; ``truth`` uint8[n, t]; ``probabilities``
    float32[n, t]: what the head that did not learn from an image's fold says about it.
    """
    folds = [fold_of == fold for fold in np.unique(fold_of[fold_of >= 0])]
    if not folds:
        return None
    accuracies = [
        accuracy(truth[rows], probabilities[rows], multilabel=multilabel, threshold=DEFAULT_THRESHOLD) for rows in folds
    ]
    precisions = [mean_average_precision(truth[rows], probabilities[rows]) for rows in folds]
    return CrossValidation(
        folds=len(folds),
        accuracy_mean=float(np.mean(accuracies)),
        accuracy_deviation=_deviation(accuracies),
        average_precision_mean=float(np.mean(precisions)),
        average_precision_deviation=_deviation(precisions),
    )


def _deviation(figures: list[float]) -> float:
    return float(np.std(figures, ddof=1)) if len(figures) > 1 else 0.0
