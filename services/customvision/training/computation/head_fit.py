"""Fits a head on features: strength of regularisation and calibration by what is left out, then the fit itself."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from customvision.training.computation.calibration import Calibration, Truth, calibrate, log_loss
from customvision.training.computation.least_squares import Fit, Matrix, Problem, Rows
from customvision.vision.head import Head

FOLDS = 5
# From weak to strong; between neighbours accuracy hardly differs.
STRENGTHS = (0.3, 1.0, 3.0, 10.0)
# Enough images to tell strengths apart and to calibrate by; more would only take longer.
MAX_COMPARED = 600
# A group of near-duplicates that makes up more of a tag is not left out as a whole: too little would be left.
LARGEST_GROUP_SHARE = 0.5

Views = npt.NDArray[np.float32]
Groups = npt.NDArray[np.int64]
Step = Callable[[], None]


@dataclass(frozen=True)
class FittedHead:
    """A head, and what was found while it was fitted.

    ``fold_of`` int64[n] and ``fold_scores`` float64[n, t]: the fold of each image, and its scores by a fit without that
    fold; None where there are too many images to ask.
    """

    head: Head
    strength: float
    calibration: Calibration
    weights: Matrix
    bias: Matrix
    fold_of: npt.NDArray[np.int64] | None = None
    fold_scores: Matrix | None = None

    def scores(self, features: npt.NDArray[np.float32]) -> Matrix:
        """Returns float64[n, t] for features float32[n, d]: the scores before calibration."""
        return features @ self.weights + self.bias


def fit_head(
    features: Views, truth: Truth, groups: Groups, *, multilabel: bool, step: Step = lambda: None
) -> FittedHead:
    """Returns the head that answers best, by log-loss, about images that it has not seen.

    ``features`` float32[n, v, d]: v views of each image, of which the first is what predictions see; ``truth``
    uint8[n, t]; ``groups`` int64[n]: equal for near-duplicates, which are left out together. ``step`` is called after
    each of STRENGTHS and once more.
    """
    compared = even_share(truth, MAX_COMPARED)
    strength = _best_strength(features[compared], truth[compared], groups[compared], multilabel, step)
    problem = _problem(features, truth, multilabel=multilabel)
    fit, views = Fit(problem, strength), features.shape[1]
    blocks = _blocks(groups, truth, compared, views)
    scores, answers = _first_views(fit.left_out(blocks), blocks, views, truth)
    calibration = calibrate(scores, answers, multilabel=multilabel)
    folds: dict[str, npt.NDArray[np.int64] | Matrix] = {}
    if problem.by_rows:
        fold_of = folds_of(truth, groups)
        folds = {"fold_of": fold_of, "fold_scores": _fold_scores(fit, fold_of, views)}
    step()
    weights, bias = fit.on_features()
    return FittedHead(_head(weights, bias, calibration), strength, calibration, weights, bias, **folds)  # type: ignore[arg-type]


def refit_head(features: Views, truth: Truth, fitted: FittedHead) -> FittedHead:
    """Returns the head for more images, with the strength and the calibration that ``fitted`` found."""
    calibration = fitted.calibration
    problem = _problem(features, truth, multilabel=calibration.multilabel)
    weights, bias = Fit(problem, fitted.strength).on_features()
    return FittedHead(_head(weights, bias, calibration), fitted.strength, calibration, weights, bias)


def even_share(truth: Truth, limit: int) -> Rows:
    """Returns the images to compare, ascending: all, or about ``limit`` of them with every tag kept."""
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


def folds_of(truth: Truth, groups: Groups) -> npt.NDArray[np.int64]:
    """Returns the fold of each image, int64[n] from 0 to FOLDS - 1: tags spread evenly, near-duplicates in one fold."""
    first_tag = truth.argmax(axis=1)
    folds = np.zeros(len(truth), dtype=np.int64)
    for tag in np.unique(first_tag):
        members = np.flatnonzero(first_tag == tag)
        _, group = np.unique(groups[members], return_inverse=True)
        # Offset by tag: tags with few images do not all leave the same folds without one.
        folds[members] = (group + tag) % FOLDS
    return folds


def _best_strength(features: Views, truth: Truth, groups: Groups, multilabel: bool, step: Step) -> float:
    problem, views = _problem(features, truth, multilabel=multilabel), features.shape[1]
    blocks = _blocks(groups, truth, np.arange(len(truth)), views)
    losses = []
    for strength in STRENGTHS:
        scores, answers = _first_views(Fit(problem, strength).left_out(blocks), blocks, views, truth)
        probabilities = calibrate(scores, answers, multilabel=multilabel).probabilities(scores)
        losses.append(log_loss(probabilities, answers, multilabel=multilabel))
        step()
    return STRENGTHS[int(np.argmin(losses))]


def _problem(features: Views, truth: Truth, *, multilabel: bool) -> Problem:
    images, views, size = features.shape
    return Problem(
        rows=features.reshape(images * views, size),
        targets=np.repeat(truth.astype(np.float64), views, axis=0),
        row_weights=np.repeat(image_weights(truth, multilabel=multilabel), views),
    )


def image_weights(truth: Truth, *, multilabel: bool) -> Matrix:
    """Returns float64[n]: multiclass: tags with few images count as much as those with many."""
    count, tags = truth.shape
    if multilabel:
        return np.ones(count)
    weights: Matrix = truth @ (count / (tags * np.maximum(truth.sum(axis=0), 1.0)))
    return weights


def _blocks(groups: Groups, truth: Truth, images: Rows, views: int) -> list[Rows]:
    """Returns the rows of each group of ``images``, those of an image together; too large a group image by image."""
    first_tag = truth.argmax(axis=1)
    per_tag = np.bincount(first_tag, minlength=truth.shape[1])
    order = images[np.argsort(groups[images], kind="stable")]
    starts = np.flatnonzero(np.diff(groups[order], prepend=groups[order[0]] - 1))
    blocks = []
    for members in np.split(order, starts[1:]):
        own = np.bincount(first_tag[members], minlength=truth.shape[1])
        together = bool((own <= np.maximum(1, LARGEST_GROUP_SHARE * per_tag)).all())
        rows = members[:, None] * views + np.arange(views)
        blocks += [rows.reshape(-1)] if together else list(rows)
    return blocks


def _first_views(scores: Matrix, blocks: list[Rows], views: int, truth: Truth) -> tuple[Matrix, Truth]:
    rows = np.concatenate(blocks)
    first = rows % views == 0
    return scores[first], truth[rows[first] // views]


def _fold_scores(fit: Fit, fold_of: npt.NDArray[np.int64], views: int) -> Matrix:
    folds = [np.flatnonzero(fold_of == fold) for fold in np.unique(fold_of)]
    blocks = [(members[:, None] * views + np.arange(views)).reshape(-1) for members in folds]
    scores = fit.left_out(blocks)[::views]
    ordered = np.empty_like(scores)
    ordered[np.concatenate(folds)] = scores
    return ordered


def _head(weights: Matrix, bias: Matrix, calibration: Calibration) -> Head:
    slopes = calibration.slopes
    logits_bias = bias * slopes + calibration.offsets
    return Head((weights * slopes).astype(np.float32), logits_bias.astype(np.float32), calibration.multilabel)
