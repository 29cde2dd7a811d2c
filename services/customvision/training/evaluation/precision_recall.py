"""How precision and recall go with the threshold, for people to look at: of all tags together, or of one."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from customvision.training.evaluation.image_results import tag_position
from customvision.training.evaluation.measures import Curve, precision_recall_curve
from customvision.training.evaluation.performance import Evaluation

MOST_POINTS = 400


@dataclass(frozen=True)
class CurvePoint:
    """A threshold with the precision and the recall that it gives, all from 0 to 1."""

    threshold: float
    precision: float
    recall: float


def curve_points(evaluation: Evaluation, tag_id: str = "") -> tuple[CurvePoint, ...]:
    """Returns at most MOST_POINTS points, from the highest threshold down; none where no image carries the tag.

    Without a tag, every tag of every image counts, as in the overall figures. Raises TagNotInIteration.
    """
    present, probabilities = evaluation.truth > 0, evaluation.probabilities
    if tag_id:
        position = tag_position(evaluation, tag_id, "tag_id")
        present, probabilities = present[:, position], probabilities[:, position]
    curve = precision_recall_curve(present.ravel(), probabilities.ravel())
    return tuple(
        CurvePoint(float(curve.thresholds[at]), float(curve.precision[at]), float(curve.recall[at]))
        for at in _kept(curve)
    )


def _kept(curve: Curve) -> npt.NDArray[np.intp]:
    """Returns which points to keep: of too many, those nearest to even steps of recall and of threshold."""
    if len(curve.recall) <= MOST_POINTS:
        return np.arange(len(curve.recall))
    steps = np.linspace(0.0, 1.0, MOST_POINTS // 2)
    by_recall = np.searchsorted(curve.recall, steps)
    by_threshold = np.searchsorted(-curve.thresholds, -steps)
    return np.unique(np.clip(np.append(by_recall, by_threshold), 0, len(curve.recall) - 1))
