"""Fits a head on features: the strength of regularisation by cross-validation, then the fit itself."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from customvision.training.computation.logistic_regression import Problem, fit, log_loss, probabilities_at
from customvision.training.computation.row_space import Matrix, RowSpace
from customvision.vision.head import Head
from customvision.vision.trunk import Features

FOLDS = 5
# From strong to weak, each about 3.2 times the next; every solution is the start of the next fit.
STRENGTHS = tuple(float(strength) for strength in np.logspace(-2.5, -6.0, 8))
# Enough images to tell strengths apart; more would only take longer.
MAX_COMPARED = 1500
# A rough optimum ranks strengths as well as a sharp one.
ROUGH, SHARP = 1e-4, 1e-6

Truth = npt.NDArray[np.uint8]
Step = Callable[[], None]


def choose_strength(
    features: Features,
    truth: Truth,
    *,
    multilabel: bool,
    step: Step = lambda: None,
    alive: Step = lambda: None,
) -> float:
    """Returns the strength with the least log-loss on images left out, in five folds that hold each tag alike.

    ``features`` float32[n, d], ``truth`` uint8[n, t]; ``step`` is called after each of FOLDS folds, ``alive``
    far more often. Of a large data set an even share of each tag is compared, so that the cost is bounded.
    """
    compared = _even_share(truth, MAX_COMPARED)
    space = RowSpace.of(features[compared])
    answers = truth[compared].astype(np.float64)
    fold_of = _folds(truth[compared])
    losses = np.zeros(len(STRENGTHS))
    for fold in range(FOLDS):
        left_out = fold_of == fold
        if left_out.any() and not left_out.all():
            losses += _losses(space.rows, answers, left_out, multilabel=multilabel, alive=alive)
        step()
    # The loss is a mean over images: the same prior weighs less the more there are.
    return STRENGTHS[int(np.argmin(losses))] * len(compared) / len(truth)


def fit_head(
    features: Features, truth: Truth, *, multilabel: bool, strength: float, alive: Step = lambda: None
) -> Head:
    """Returns the head that fits ``features`` float32[n, d] to ``truth`` uint8[n, t] best at that strength.

    ``alive`` is called after each step of the fit.
    """
    space = RowSpace.of(features)
    problem = Problem(space.rows, truth.astype(np.float64), multilabel, strength)
    point = fit(problem, tolerance=SHARP, alive=alive)
    weights, bias = space.to_features(point[:-1], point[-1])
    return Head(weights.astype(np.float32), bias.astype(np.float32), multilabel)


def _losses(rows: Matrix, truth: Matrix, left_out: npt.NDArray[np.bool_], *, multilabel: bool, alive: Step) -> Matrix:
    losses = []
    point: Matrix | None = None
    for strength in STRENGTHS:
        problem = Problem(rows[~left_out], truth[~left_out], multilabel, strength)
        point = fit(problem, point, tolerance=ROUGH, alive=alive)
        probabilities = probabilities_at(rows[left_out], point, multilabel=multilabel)
        losses.append(log_loss(probabilities, truth[left_out], multilabel=multilabel) * left_out.sum())
    return np.array(losses)


def _even_share(truth: Truth, limit: int) -> npt.NDArray[np.int64]:
    """Returns the rows to compare, ascending: all, or about ``limit`` of them with every tag kept."""
    count = len(truth)
    if count <= limit:
        return np.arange(count)
    first_tag = truth.argmax(axis=1)
    shares = []
    for tag in np.unique(first_tag):
        members = np.flatnonzero(first_tag == tag)
        kept = max(FOLDS, round(len(members) * limit / count))
        shares.append(members[np.linspace(0, len(members) - 1, min(kept, len(members))).astype(np.int64)])
    return np.sort(np.concatenate(shares))


def _folds(truth: Truth) -> npt.NDArray[np.int64]:
    first_tag = truth.argmax(axis=1)
    folds = np.zeros(len(truth), dtype=np.int64)
    for tag in np.unique(first_tag):
        members = np.flatnonzero(first_tag == tag)
        # Offset by tag: tags with few images do not all leave the same folds without one.
        folds[members] = (np.arange(len(members)) + tag) % FOLDS
    return folds
