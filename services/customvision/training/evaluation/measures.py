"""The measures that all evaluation rests on."""

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


def average_precision(present: Decisions, scores: Probabilities) -> float:
    """Returns the area under the precision-recall curve, as steps: each gain in recall at the precision reached there.

    Images of equal score count together. 0 where no image carries the tag.
    """
    total = int(present.sum())
    if not total:
        return 0.0
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(present[order])
    # The last image of each run of equal scores: only there is the curve defined.
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    precision = found[ends] / (ends + 1)
    gained = np.diff(found[ends] / total, prepend=0.0)
    return float((precision * gained).sum())


def mean_average_precision(truth: Truth, probabilities: Probabilities) -> float:
    """Returns the mean average precision, 0 to 1, of the tags that any image carries; 0 where none is carried."""
    present = truth > 0
    carried = np.flatnonzero(present.any(axis=0))
    precisions = [average_precision(present[:, tag], probabilities[:, tag]) for tag in carried]
    return sum(precisions) / len(precisions) if precisions else 0.0
