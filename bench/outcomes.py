"""What each method that trains a head on frozen features answers on one draw of a data set."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from embedded_photos import EmbeddedPhotos
from logistic_head import logistic_head
from photos import Rows
from teachable_machine import teachable_machine_head

from customvision.training.children.child import Reports
from customvision.training.computation.calibration import uncalibrated
from customvision.training.computation.data_set import DataSet, DataSetImage
from customvision.training.computation.head_fit import FittedHead
from customvision.training.computation.material import Material
from customvision.training.computation.quick_model import fit_quick_model
from customvision.training.computation.views import view_count
from customvision.training.evaluation.calibration_error import calibration_of
from customvision.vision.artifacts import Label

QUICK, LOGISTIC, TEACHABLE = "quick", "logistic regression", "Teachable Machine"
UNCALIBRATED = "quick before calibration"

Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """What a method reached on the photos that were not drawn: ``error`` is the expected calibration error."""

    data_set: str
    per_class: int
    draw: int
    method: str
    accuracy: float
    error: float


class Silent(Reports):
    """Nobody listens."""

    def __init__(self) -> None:
        """Needs no file."""

    def send(self, kind: str, **fields: object) -> None:
        """Says nothing."""


def head_outcomes(embedded: EmbeddedPhotos, per_class: int, draw: int) -> Iterator[Outcome]:
    """Yields the outcomes of all methods that train a head on frozen features."""
    photos = embedded.photos
    drawn, others = photos.draw(per_class, draw)
    labels, pooled = photos.labels, embedded.pooled
    quick, before = _quick(embedded, drawn, others)
    logistic = logistic_head(pooled[drawn], labels[drawn])(pooled[others, 0])
    teachable = teachable_machine_head(pooled[drawn, 0], labels[drawn], seed=draw)(pooled[others, 0])
    answers = {QUICK: quick, UNCALIBRATED: before, LOGISTIC: logistic, TEACHABLE: teachable}
    for method, probabilities in answers.items():
        yield _outcome((photos.name, per_class, draw, method), probabilities, labels[others])


def mean_accuracy(outcomes: list[Outcome], method: str) -> float:
    """Returns the mean over data sets of the mean over draws."""
    return _mean(outcomes, method, lambda outcome: outcome.accuracy)


def gain(outcomes: list[Outcome], method: str) -> str:
    """Returns the points of accuracy above logistic regression, the mean as above, and how far draws leave it open."""
    points = 100 * (mean_accuracy(outcomes, method) - mean_accuracy(outcomes, LOGISTIC))
    error = _gain_error(outcomes, method)
    return f"{points:+.2f}" if error is None else f"{points:+.2f} ± {error:.2f}"


def _gain_error(outcomes: list[Outcome], method: str) -> float | None:
    """Returns the standard error over draws of the mean gain, in points, or None where there is but one draw."""
    accuracies = {(o.data_set, o.per_class, o.draw, o.method): o.accuracy for o in outcomes}
    gains: dict[str, list[float]] = {}
    for (name, per_class, draw, own), accuracy in accuracies.items():
        if own == method:
            gains.setdefault(name, []).append(100 * (accuracy - accuracies[name, per_class, draw, LOGISTIC]))
    if min(map(len, gains.values())) < 2:
        return None
    return float(np.sqrt(sum(np.var(own, ddof=1) / len(own) for own in gains.values())) / len(gains))


def mean_error(outcomes: list[Outcome], method: str) -> float:
    """Returns the mean over data sets of the mean expected calibration error over draws."""
    return _mean(outcomes, method, lambda outcome: outcome.error)


def quick_fit(embedded: EmbeddedPhotos, drawn: Rows) -> FittedHead:
    """Returns what quick training makes of the photos in ``drawn``."""
    return fit_quick_model(_material(embedded, drawn), Silent()).served


def _quick(embedded: EmbeddedPhotos, drawn: Rows, others: Rows) -> tuple[Probabilities, Probabilities]:
    """Returns what quick training's model says, float64[others, t], and what its scores say before calibration."""
    model = quick_fit(embedded, drawn)
    asked = embedded.features[others, 0]
    before = uncalibrated(model.scores(asked), multilabel=False)
    return model.head.probabilities(asked).astype(np.float64), before


def _material(embedded: EmbeddedPhotos, drawn: Rows) -> Material:
    photos = embedded.photos
    labels = tuple(Label(name, name) for name in photos.class_names)
    hashes = {embedded.digests[row]: embedded.difference_hashes[row] for row in drawn}
    images = tuple(DataSetImage(str(row), embedded.digests[row], (int(photos.labels[row]),)) for row in drawn)
    data_set = DataSet(labels, images, multilabel=False).parted(hashes)
    views = view_count(len(images), len(labels))
    # As the feature cache keeps them.
    features = embedded.features[drawn, :views].astype(np.float16).astype(np.float32)
    groups = np.array(data_set.groups(hashes), dtype=np.int64)
    return Material(data_set, features, groups, [], embedded.nuisances)


def _outcome(of: tuple[str, int, int, str], probabilities: Probabilities, labels: Rows) -> Outcome:
    truth = np.eye(probabilities.shape[1], dtype=np.uint8)[labels]
    error = calibration_of(truth, probabilities.astype(np.float32), multilabel=False).expected_calibration_error
    return Outcome(*of, accuracy=float(np.mean(probabilities.argmax(axis=1) == labels)), error=error)


def _mean(outcomes: list[Outcome], method: str, value: Callable[[Outcome], float]) -> float:
    by_name: dict[str, list[float]] = {}
    for outcome in outcomes:
        if outcome.method == method:
            by_name.setdefault(outcome.data_set, []).append(value(outcome))
    return float(np.mean([np.mean(values) for values in by_name.values()]))
