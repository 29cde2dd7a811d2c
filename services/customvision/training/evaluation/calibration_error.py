"""How far a model's probabilities can be taken at their word."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from customvision.training.evaluation.measures import Decisions, Probabilities, Truth

BINS = 10


@dataclass(frozen=True)
class CalibrationBin:
    """Answers with a probability from ``lower`` up to ``upper``: how many, their mean, and the share that was right."""

    lower: float
    upper: float
    answer_count: int
    mean_probability: float
    right_share: float


@dataclass(frozen=True)
class CalibrationFigures:
    """The expected calibration error, 0 to 1, of the probabilities and of the uncalibrated ones; the bins with answers.

    The error is the distance between mean probability and share of right answers in ten bins of equal width, weighed
    by their answers (Naeini, Cooper and Hauskrecht, AAAI 2015).
    """

    expected_calibration_error: float
    uncalibrated_error: float
    bins: tuple[CalibrationBin, ...]


def calibration_of(
    truth: Truth, probabilities: Probabilities, uncalibrated: Probabilities | None = None, *, multilabel: bool
) -> CalibrationFigures:
    """Holds probabilities against the truth: multiclass the likeliest tag's of each image, multilabel each tag's.

    ``truth`` uint8[n, t], ``probabilities`` and ``uncalibrated`` float32[n, t]. Without ``uncalibrated``, none were
    calibrated and both errors are the same.
    """
    bins = _bins(*_answers(truth, probabilities, multilabel=multilabel))
    error = _error(bins)
    if uncalibrated is None:
        return CalibrationFigures(error, error, bins)
    return CalibrationFigures(error, _error(_bins(*_answers(truth, uncalibrated, multilabel=multilabel))), bins)


def _answers(
    truth: Truth, probabilities: Probabilities, *, multilabel: bool
) -> tuple[npt.NDArray[np.float64], Decisions]:
    if multilabel:
        return probabilities.ravel().astype(np.float64), truth.ravel() > 0
    rows = np.arange(len(truth))
    likeliest = probabilities.argmax(axis=1)
    return probabilities[rows, likeliest].astype(np.float64), truth[rows, likeliest] > 0


def _bins(probabilities: npt.NDArray[np.float64], right: Decisions) -> tuple[CalibrationBin, ...]:
    # Rounded first: 0.3 as float32 must not fall below its own bin.
    places = np.clip(np.round(probabilities * BINS, 5).astype(np.int64), 0, BINS - 1)
    bins = []
    for place in np.unique(places):
        inside = places == place
        bins.append(
            CalibrationBin(
                lower=place / BINS,
                upper=(place + 1) / BINS,
                answer_count=int(inside.sum()),
                mean_probability=float(probabilities[inside].mean()),
                right_share=float(right[inside].mean()),
            )
        )
    return tuple(bins)


def _error(bins: tuple[CalibrationBin, ...]) -> float:
    total = sum(part.answer_count for part in bins)
    gaps = sum(part.answer_count * abs(part.mean_probability - part.right_share) for part in bins)
    return gaps / total if total else 0.0
