"""The first baseline of quick training: logistic regression on pooled features, its strength by cross-validation."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from logistic_regression import Problem, fit, log_loss, probabilities_at
from row_space import Matrix, RowSpace

FOLDS = 5
# From strong to weak, each about 3.2 times the next; every solution is the start of the next fit.
STRENGTHS = tuple(float(strength) for strength in np.logspace(-2.5, -6.0, 8))
# A rough optimum ranks strengths as well as a sharp one.
ROUGH, SHARP = 1e-4, 1e-6

Features = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


def logistic_head(features: Features, labels: Labels) -> Callable[[Features], Matrix]:
    """Returns what tells the probabilities float64[m, t] of features float32[m, d].

    ``features`` float32[n, v, d]: v views of each photo, the first as it is asked about; ``labels`` int64[n].
    """
    views = features.shape[1]
    space = RowSpace.of(features.reshape(-1, features.shape[2]))
    truth = np.repeat(np.eye(int(labels.max()) + 1)[labels], views, axis=0)
    strength = _best_strength(space.rows, truth, _folds(labels), views)
    point = fit(Problem(space.rows, truth, False, strength), tolerance=SHARP)
    weights, bias = space.to_features(point[:-1], point[-1])
    on_features = np.vstack([weights, bias])
    return lambda asked: probabilities_at(asked.astype(np.float64), on_features, multilabel=False)


def _best_strength(rows: Matrix, truth: Matrix, fold_of: Labels, views: int) -> float:
    """Returns the strength with the least log-loss on photos left out; all views of a photo are left out together."""
    losses = np.zeros(len(STRENGTHS))
    for fold in range(FOLDS):
        left_out = fold_of == fold
        if left_out.any() and not left_out.all():
            losses += _losses(rows, truth, np.repeat(left_out, views), views)
    return STRENGTHS[int(np.argmin(losses))]


def _losses(rows: Matrix, truth: Matrix, left_out: npt.NDArray[np.bool_], views: int) -> Matrix:
    asked_rows, answers = rows[left_out][::views], truth[left_out][::views]
    losses = []
    point: Matrix | None = None
    for strength in STRENGTHS:
        point = fit(Problem(rows[~left_out], truth[~left_out], False, strength), point, tolerance=ROUGH)
        probabilities = probabilities_at(asked_rows, point, multilabel=False)
        losses.append(log_loss(probabilities, answers, multilabel=False) * len(answers))
    return np.array(losses)


def _folds(labels: Labels) -> Labels:
    folds = np.zeros(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        # Offset by class: classes with few photos do not all leave the same folds without one.
        folds[members] = (np.arange(len(members)) + label) % FOLDS
    return folds
