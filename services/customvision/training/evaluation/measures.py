"""The measures that all evaluation rests on."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Truth = npt.NDArray[np.uint8]
Probabilities = npt.NDArray[np.float32]
Decisions = npt.NDArray[np.bool_]

# A tag counts as predicted from this probability on, unless somebody asks otherwise.
DEFAULT_THRESHOLD = 0.5


def accuracy(truth: Truth, probabilities: Probabilities, *, multilabel: bool, threshold: float) -> float:
    """Returns the share, 0 to 1, of right answers: multiclass of the likeliest tag, multilabel of every yes and no.

    ``truth`` uint8[n, t] and ``probabilities`` float32[n, t]; 0 where there are none. Multiclass knows no threshold.
    """
    if not truth.size:
        return 0.0
    if multilabel:
        return float(((probabilities >= threshold) == (truth > 0)).mean())
    return float((probabilities.argmax(axis=1) == truth.argmax(axis=1)).mean())


@dataclass(frozen=True)
class Curve:
    """Precision and recall, 0 to 1, at each threshold that makes a difference, from the highest threshold down."""

    thresholds: npt.NDArray[np.float64]
    precision: npt.NDArray[np.float64]
    recall: npt.NDArray[np.float64]


def precision_recall_curve(present: Decisions, scores: Probabilities) -> Curve:
    """Returns the curve of ``scores`` float32[n] against ``present`` bool[n]; empty where nothing is present.

    Images of equal score count together.
    """
    total = int(present.sum())
    if not total:
        return Curve(*(np.zeros(0) for _ in range(3)))
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(present[order])
    # The last image of each run of equal scores: only there is the curve defined.
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    return Curve(scores[order][ends].astype(np.float64), found[ends] / (ends + 1), found[ends] / total)


def average_precision(present: Decisions, scores: Probabilities) -> float:
    """Returns the area under the precision-recall curve, as steps: each gain in recall at the precision reached there.

    0 where no image carries the tag.
    """
    curve = precision_recall_curve(present, scores)
    return float((curve.precision * np.diff(curve.recall, prepend=0.0)).sum())


def mean_average_precision(truth: Truth, probabilities: Probabilities) -> float:
    """Returns the mean average precision, 0 to 1, of the tags that any image carries; 0 where none is carried."""
    present = truth > 0
    carried = np.flatnonzero(present.any(axis=0))
    precisions = [average_precision(present[:, tag], probabilities[:, tag]) for tag in carried]
    return sum(precisions) / len(precisions) if precisions else 0.0
