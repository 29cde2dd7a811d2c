"""Fits a head on features: strength of regularisation and calibration by what is left out, then the fit itself."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from customvision.training.backbones.nuisances import NO_NUISANCES, Nuisances
from customvision.training.computation.calibration import Calibration, Truth, calibrate, log_loss
from customvision.training.computation.inner_products import (
    InnerProducts,
    Matrix,
    Rows,
    fewer_rows,
    inner_products,
)
from customvision.training.computation.least_squares import Fit, Problem
from customvision.training.computation.left_out import (
    NO_FOLD,
    Folds,
    Groups,
    even_share,
    honest_folds,
    left_out_together,
)
from customvision.vision.head import Head

# From weak to strong; between neighbours accuracy hardly differs.
STRENGTHS = (0.3, 1.0, 3.0, 10.0)
# Enough images to tell strengths apart and to calibrate by; more would only take longer.
MAX_COMPARED = 400

Views = npt.NDArray[np.float32]
Step = Callable[[], None]


@dataclass(frozen=True)
class Examples:
    """Images to learn from: ``features`` float32[n, v, d] of v views each, the first as predictions see it.

    ``truth`` is uint8[n, t]. ``nuisances`` were lessened in the features, and heads are for features as they come. What
    is computed of all images serves every part of them.
    """

    features: Views
    truth: Truth
    inner_of_whole: InnerProducts | None = None
    nuisances: Nuisances = NO_NUISANCES

    @classmethod
    def of(cls, features: Views, truth: Truth, nuisances: Nuisances) -> "Examples":
        """Returns the examples of images with ``features`` float32[n, v, d] as they come from the backbone."""
        lessened = nuisances.lessened(features.reshape(-1, features.shape[2])).reshape(features.shape)
        return cls(lessened, truth, nuisances=nuisances)

    @property
    def views(self) -> int:
        """v: how many views there are of each image."""
        return int(self.features.shape[1])

    @cached_property
    def inner(self) -> InnerProducts | None:
        """float32[n v, n v]: inner products of all rows, less some one point; None where no fit asks for them."""
        images, views, size = self.features.shape
        if self.inner_of_whole is not None or not fewer_rows(images * views, size):
            return self.inner_of_whole
        return inner_products(self.features.reshape(images * views, size))

    def part(self, images: Rows) -> "Examples":
        """Returns those ``images``, int64[m], alone."""
        rows = rows_of(images, self.views)
        inner = None if self.inner is None else self.inner.take(rows, axis=0).take(rows, axis=1)
        return Examples(self.features[images], self.truth[images], inner, self.nuisances)

    def problem(self, *, multilabel: bool) -> Problem:
        """Returns what is to be fitted: each view is a row, and weighs as its image does."""
        images, views, size = self.features.shape
        return Problem(
            rows=self.features.reshape(images * views, size),
            targets=np.repeat(self.truth.astype(np.float64), views, axis=0),
            row_weights=np.repeat(image_weights(self.truth, multilabel=multilabel), views),
            inner=self.inner,
        )


@dataclass(frozen=True)
class FittedHead:
    """A head, and what was found while it was fitted.

    ``fold_of`` int64[n] and ``fold_scores`` float64[n, t]: the fold of each image, or NO_FOLD, and its scores by a fit
    without that fold, or 0; None where there are too many images to ask, or none is in a fold.
    """

    head: Head
    strength: float
    calibration: Calibration
    weights: Matrix
    bias: Matrix
    fold_of: Folds | None = None
    fold_scores: Matrix | None = None

    def scores(self, features: npt.NDArray[np.float32]) -> Matrix:
        """Returns float64[n, t] for features float32[n, d]: the scores before calibration."""
        return features @ self.weights + self.bias

    def in_folds(self, images: Rows) -> "FittedHead":
        """Returns the head with the folds of ``images``, int64[m], of those that it was fitted on."""
        if self.fold_of is None or self.fold_scores is None:
            return self
        return replace(self, fold_of=self.fold_of[images], fold_scores=self.fold_scores[images])


def fit_head(examples: Examples, groups: Groups, *, multilabel: bool, step: Step = lambda: None) -> FittedHead:
    """Returns the head that answers best, by log-loss, about images that it has not seen.

    ``groups`` int64[n]: equal for near-duplicates, which are left out together. ``step`` is called after each of
    STRENGTHS and once more.
    """
    truth, views = examples.truth, examples.views
    together = left_out_together(truth, groups)
    asked = even_share(truth, MAX_COMPARED, together)
    problem = examples.problem(multilabel=multilabel)
    share = problem if len(asked) == len(truth) else examples.part(asked).problem(multilabel=multilabel)
    strength = _best_strength(share, truth[asked], together[asked], multilabel, step)
    fit = Fit(problem, strength)
    scores, answers = _first_views(fit, _blocks(together, asked, views), views, truth)
    calibration = calibrate(scores, answers, multilabel=multilabel)
    fold_of = honest_folds(truth, groups) if problem.by_rows else None
    if fold_of is not None and (fold_of == NO_FOLD).all():
        fold_of = None
    fold_scores = None if fold_of is None else _fold_scores(fit, fold_of, views, truth.shape)
    step()
    weights, bias = _on_features(fit, examples)
    return FittedHead(_head(weights, bias, calibration), strength, calibration, weights, bias, fold_of, fold_scores)


def refit_head(examples: Examples, fitted: FittedHead) -> FittedHead:
    """Returns the head for more images, with the strength and the calibration that ``fitted`` found."""
    calibration = fitted.calibration
    problem = examples.problem(multilabel=calibration.multilabel)
    weights, bias = _on_features(Fit(problem, fitted.strength), examples)
    return FittedHead(_head(weights, bias, calibration), fitted.strength, calibration, weights, bias)


def _on_features(fit: Fit, examples: Examples) -> tuple[Matrix, Matrix]:
    weights, bias = fit.on_features()
    return examples.nuisances.on_features(weights), bias


def _best_strength(problem: Problem, truth: Truth, together: Groups, multilabel: bool, step: Step) -> float:
    views = len(problem.rows) // len(truth)
    blocks = _blocks(together, np.arange(len(truth)), views)
    losses = []
    for strength in STRENGTHS:
        scores, answers = _first_views(Fit(problem, strength), blocks, views, truth)
        probabilities = calibrate(scores, answers, multilabel=multilabel).probabilities(scores)
        losses.append(log_loss(probabilities, answers, multilabel=multilabel))
        step()
    return STRENGTHS[int(np.argmin(losses))]


def image_weights(truth: Truth, *, multilabel: bool) -> Matrix:
    """Returns float64[n]: multiclass: tags with few images count as much as those with many."""
    count, tags = truth.shape
    if multilabel:
        return np.ones(count)
    weights: Matrix = truth @ (count / (tags * np.maximum(truth.sum(axis=0), 1.0)))
    return weights


def rows_of(images: Rows, views: int) -> Rows:
    """Returns int64[len(images) views]: the rows of ``images``, all views of one after the other's."""
    return (images[:, None] * views + np.arange(views)).reshape(-1)


def _blocks(together: Groups, images: Rows, views: int) -> list[Rows]:
    """Returns the rows of ``images``, those of images that are left out together in one block."""
    order = images[np.argsort(together[images], kind="stable")]
    parts = np.split(order, np.flatnonzero(np.diff(together[order])) + 1)
    return [rows_of(members, views) for members in parts]


def _first_views(fit: Fit, blocks: list[Rows], views: int, truth: Truth) -> tuple[Matrix, Truth]:
    """Returns the scores of what is left out, as predictions would see it, and its truth."""
    rows = np.concatenate(blocks)
    first = rows % views == 0
    return fit.left_out(blocks)[first], truth[rows[first] // views]


def _fold_scores(fit: Fit, fold_of: Folds, views: int, shape: tuple[int, ...]) -> Matrix:
    folds = [np.flatnonzero(fold_of == fold) for fold in np.unique(fold_of[fold_of != NO_FOLD])]
    left_out = fit.left_out([rows_of(members, views) for members in folds])
    scores = np.zeros(shape)
    scores[np.concatenate(folds)] = left_out[::views]
    return scores


def _head(weights: Matrix, bias: Matrix, calibration: Calibration) -> Head:
    slopes = calibration.slopes
    logits_bias = bias * slopes + calibration.offsets
    return Head((weights * slopes).astype(np.float32), logits_bias.astype(np.float32), calibration.multilabel)
