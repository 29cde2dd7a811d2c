"""L2-regularised logistic regression by Newton's method, its steps found by conjugate gradients."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from row_space import Matrix

from customvision.vision.head import sigmoid, softmax

MAX_NEWTON_STEPS = 60
MAX_CONJUGATE_STEPS = 100
SMALLEST_PROBABILITY = 1e-15


@dataclass(frozen=True)
class Problem:
    """``rows`` float64[n, k], ``truth`` float64[n, t] of 0 and 1, ``multilabel``: each column on its own.

    The loss is the mean over rows of the weighted log-loss, plus ``strength / 2`` times the squared length of the
    weights. The bias is regularised a thousand times less. Rows are weighted so that all tags count alike.
    """

    rows: Matrix
    truth: Matrix
    multilabel: bool
    strength: float

    @property
    def row_weights(self) -> Matrix:
        """The weight of each row, or of each row and tag: float64[n, 1] or [n, t], 1 on average."""
        return balanced_weights(self.truth, multilabel=self.multilabel)


def balanced_weights(truth: Matrix, *, multilabel: bool) -> Matrix:
    """Returns weights by which tags with few images count as much as those with many."""
    count, tags = truth.shape
    present = np.maximum(truth.sum(axis=0), 1.0)
    if not multilabel:
        weights: Matrix = truth @ (count / (tags * present))
        return weights[:, None]
    absent = np.maximum(count - present, 1.0)
    balanced: Matrix = np.where(truth > 0, count / (2 * present), count / (2 * absent))
    return balanced


def log_loss(probabilities: Matrix, truth: Matrix, *, multilabel: bool) -> float:
    """Returns the mean log-loss, tags weighted alike."""
    weights = balanced_weights(truth, multilabel=multilabel)
    losses = truth * np.log(np.maximum(probabilities, SMALLEST_PROBABILITY))
    if multilabel:
        losses = losses + (1 - truth) * np.log(np.maximum(1 - probabilities, SMALLEST_PROBABILITY))
    return float(-(weights * losses).sum() / len(truth))


def fit(
    problem: Problem,
    start: Matrix | None = None,
    *,
    tolerance: float = 1e-6,
    alive: Callable[[], None] = lambda: None,
) -> Matrix:
    """Returns the optimum float64[k + 1, t], the bias in its last row, to a gradient below ``tolerance`` everywhere.

    ``start`` is where to begin: the solution of a similar problem is near. ``alive`` is called after each Newton step.
    """
    objective = _Objective(problem)
    point = np.zeros((objective.rows.shape[1], problem.truth.shape[1])) if start is None else start
    value, gradient, probabilities = objective.at(point)
    for _ in range(MAX_NEWTON_STEPS):
        length = np.abs(gradient).max()
        if length <= tolerance:
            break
        step = objective.newton_step(gradient, probabilities, accuracy=min(0.25, float(length) ** 0.5))
        slope = float((gradient * step).sum())
        size = 1.0
        while True:
            candidate = objective.at(point + size * step)
            if candidate[0] <= value + 1e-4 * size * slope or size < 1e-8:
                break
            size /= 2
        point = point + size * step
        value, gradient, probabilities = candidate
        alive()
    return point


def probabilities_at(rows: Matrix, point: Matrix, *, multilabel: bool) -> Matrix:
    """Returns float64[n, t] for ``rows`` and what fit returned."""
    logits = rows @ point[:-1] + point[-1]
    return sigmoid(logits) if multilabel else softmax(logits)


class _Objective:
    def __init__(self, problem: Problem) -> None:
        count = len(problem.rows)
        self.rows = np.hstack([problem.rows, np.ones((count, 1))])
        self._truth = problem.truth
        self._multilabel = problem.multilabel
        self._weights = problem.row_weights / count
        self._penalty = np.full((self.rows.shape[1], 1), problem.strength)
        self._penalty[-1] *= 1e-3
        # The curvature is at most a quarter (or, over tags together, a half) of the rows' squares.
        bound = 0.25 if problem.multilabel else 0.5
        self._preconditioner = bound * (self.rows**2).T @ self._weights + self._penalty

    def at(self, point: Matrix) -> tuple[float, Matrix, Matrix]:
        """Returns value, gradient and probabilities at ``point``."""
        logits = self.rows @ point
        if self._multilabel:
            probabilities = sigmoid(logits)
            losses = np.logaddexp(0.0, logits) - self._truth * logits
        else:
            probabilities = softmax(logits)
            shifted = logits - logits.max(axis=1, keepdims=True)
            losses = np.log(np.exp(shifted).sum(axis=1, keepdims=True)) - (self._truth * shifted).sum(
                axis=1, keepdims=True
            )
        value = float((self._weights * losses).sum() + 0.5 * (self._penalty * point**2).sum())
        gradient = self.rows.T @ (self._weights * (probabilities - self._truth)) + self._penalty * point
        return value, gradient, probabilities

    def newton_step(self, gradient: Matrix, probabilities: Matrix, *, accuracy: float) -> Matrix:
        """Returns the step that solves the Newton system until its residual is ``accuracy`` of the gradient."""
        step = np.zeros_like(gradient)
        residual = -gradient
        scaled = residual / self._preconditioner
        direction = scaled
        product = float((residual * scaled).sum())
        target = accuracy * float(np.sqrt((gradient**2).sum()))
        for _ in range(MAX_CONJUGATE_STEPS):
            curved = self._curvature(direction, probabilities)
            size = product / float((direction * curved).sum())
            step = step + size * direction
            residual = residual - size * curved
            if np.sqrt((residual**2).sum()) <= target:
                break
            scaled = residual / self._preconditioner
            following = float((residual * scaled).sum())
            direction = scaled + following / product * direction
            product = following
        return step

    def _curvature(self, direction: Matrix, probabilities: Matrix) -> Matrix:
        change = self.rows @ direction
        spread = probabilities * change
        if self._multilabel:
            spread = spread * (1 - probabilities)
        else:
            spread = spread - probabilities * spread.sum(axis=1, keepdims=True)
        curved: Matrix = self.rows.T @ (self._weights * spread) + self._penalty * direction
        return curved
