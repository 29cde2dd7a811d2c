"""From scores to probabilities that can be taken at their word, learned from scores of images that were left out."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from customvision.training.computation.inner_products import Matrix
from customvision.vision.head import sigmoid, softmax

MAX_STEPS = 50
SMALLEST_SLOPE, LARGEST_SLOPE = 0.05, 60.0
SMALLEST_PROBABILITY = 1e-15
LARGEST_LOGIT = 40.0

Truth = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Calibration:
    """Scores become logits: ``slopes`` float64[t] times score plus ``offsets`` float64[t]."""

    slopes: Matrix
    offsets: Matrix
    multilabel: bool

    def probabilities(self, scores: Matrix) -> Matrix:
        """Returns float64[n, t] for scores float64[n, t]."""
        logits = scores * self.slopes + self.offsets
        return sigmoid(logits) if self.multilabel else softmax(logits)


def calibrate(scores: Matrix, truth: Truth, *, multilabel: bool) -> Calibration:
    """Returns what fits ``scores`` float64[n, t] of images left out to ``truth`` uint8[n, t] best, by log-loss.

    Multiclass: one temperature for all tags (Guo et al., "On Calibration of Modern Neural Networks", 2017).
    Multilabel: a slope and an offset for each tag (Platt, "Probabilistic Outputs for Support Vector Machines", 1999).
    """
    tags = truth.shape[1]
    if multilabel:
        lines = _lines(scores, truth)
        return Calibration(lines[:, 0], lines[:, 1], multilabel=True)
    return Calibration(np.full(tags, _temperature(scores, truth)), np.zeros(tags), multilabel=False)


def log_loss(probabilities: Matrix, truth: Truth, *, multilabel: bool) -> float:
    """Returns the mean log-loss over images, and over tags where they are independent."""
    losses = truth * np.log(np.maximum(probabilities, SMALLEST_PROBABILITY))
    if multilabel:
        losses = losses + (1.0 - truth) * np.log(np.maximum(1.0 - probabilities, SMALLEST_PROBABILITY))
        return float(-losses.mean())
    return float(-losses.sum(axis=1).mean())


def uncalibrated(scores: Matrix, *, multilabel: bool) -> Matrix:
    """Returns float64[n, t]: least-squares scores taken for the probabilities that they estimate."""
    clipped = np.clip(scores, 0.0, 1.0)
    if multilabel:
        return clipped
    totals = clipped.sum(axis=1, keepdims=True)
    shares: Matrix = np.where(totals > 0, clipped / np.where(totals > 0, totals, 1.0), 1.0 / scores.shape[1])
    return shares


def _temperature(scores: Matrix, truth: Truth) -> float:
    # As Platt does: nobody is as sure as a few images make it look.
    surest = 1.0 / (len(truth) + 2)
    targets = truth * (1.0 - surest) + surest / truth.shape[1]
    slope = 1.0
    for _ in range(MAX_STEPS):
        probabilities = softmax(slope * scores)
        expected = (probabilities * scores).sum(axis=1)
        gradient = float((expected - (targets * scores).sum(axis=1)).sum())
        curvature = float(((probabilities * scores**2).sum(axis=1) - expected**2).sum())
        # A step never more than doubles or halves the slope: far from the optimum the curve is nearly straight.
        wanted = slope - gradient / max(curvature, 1e-12)
        following = float(np.clip(wanted, max(slope / 2, SMALLEST_SLOPE), min(slope * 2, LARGEST_SLOPE)))
        if abs(following - slope) < 1e-6 * slope:
            break
        slope = following
    return slope


def _lines(scores: Matrix, truth: Truth) -> Matrix:
    """Returns slope and offset of each tag, float64[t, 2]; what nothing tells of one tag, all together tell."""
    told = (truth.min(axis=0) == 0) & (truth.max(axis=0) == 1)
    together = None if told.all() else _line(scores.ravel(), truth.ravel())
    lines = [_line(scores[:, tag], truth[:, tag]) if known else together for tag, known in enumerate(told)]
    return np.array(lines, dtype=np.float64)


def _line(scores: Matrix, present: npt.NDArray[np.uint8]) -> tuple[float, float]:
    positive, negative = int(present.sum()), int(len(present) - present.sum())
    targets = np.where(present > 0, (positive + 1) / (positive + 2), 1 / (negative + 2))
    rows = np.stack([scores, np.ones_like(scores)], axis=1)
    line = np.array([1.0, np.log((positive + 1) / (negative + 1))])
    value = _line_loss(rows @ line, targets)
    for _ in range(MAX_STEPS):
        probabilities = sigmoid(rows @ line)
        gradient = rows.T @ (probabilities - targets)
        curvature = (rows * (probabilities * (1 - probabilities))[:, None]).T @ rows + 1e-9 * np.eye(2)
        step = -np.linalg.solve(curvature, gradient)
        size = 1.0
        while (following := _line_loss(rows @ (line + size * step), targets)) > value and size > 1e-6:
            size /= 2
        if value - following < 1e-9 * max(value, 1e-9):
            break
        line, value = line + size * step, following
    if not SMALLEST_SLOPE <= line[0] <= LARGEST_SLOPE:
        # The offset belonged to another slope.
        slope = float(np.clip(line[0], SMALLEST_SLOPE, LARGEST_SLOPE))
        return slope, _offset(slope * scores, targets)
    return float(line[0]), float(line[1])


def _offset(logits: Matrix, targets: Matrix) -> float:
    """Returns what, added to ``logits``, makes probabilities add up to ``targets``."""
    low, high = -LARGEST_LOGIT - float(logits.max()), LARGEST_LOGIT - float(logits.min())
    for _ in range(MAX_STEPS):
        middle = (low + high) / 2
        if sigmoid(logits + middle).sum() < targets.sum():
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _line_loss(logits: Matrix, targets: Matrix) -> float:
    return float((np.logaddexp(0.0, logits) - targets * logits).sum())
