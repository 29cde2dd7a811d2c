"""How well a model does on its held-out images, at any threshold."""

import json
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from customvision.training.evaluation.calibration_error import CalibrationFigures, calibration_of
from customvision.training.evaluation.cross_validation import CrossValidation
from customvision.training.evaluation.measures import (
    DEFAULT_THRESHOLD,
    Probabilities,
    Truth,
    accuracy,
    average_precision,
)
from customvision.training.runs.event import Metrics
from customvision.vision.artifacts import array_bytes, array_of, pack, unpack


@dataclass(frozen=True)
class TagFigures:
    """How well a model does on one tag; shares from 0 to 1, ``average_precision`` 0 without held-out images."""

    tag_id: str
    tag_name: str
    precision: float
    recall: float
    average_precision: float
    held_out_image_count: int
    image_count: int


@dataclass(frozen=True)
class Performance:
    """Figures at one threshold, overall and per tag in order of creation.

    ``confusion`` counts row by row the images of one tag that were taken for another, None for multilabel;
    ``cross_validation`` is None where it was not done.
    """

    threshold: float
    overall: Metrics
    tags: tuple[TagFigures, ...]
    confusion: tuple[tuple[int, ...], ...] | None
    calibration: CalibrationFigures
    cross_validation: CrossValidation | None


@dataclass(frozen=True)
class Evaluation:
    """What a model said about its held-out images: ``truth`` uint8[n, t] and ``probabilities`` float32[n, t].

    ``image_counts`` are the images of the whole data set that carry each tag. ``uncalibrated`` float32[n, t] are the
    probabilities before they were calibrated, None where they were not.
    """

    image_ids: tuple[str, ...]
    tag_ids: tuple[str, ...]
    tag_names: tuple[str, ...]
    image_counts: tuple[int, ...]
    multilabel: bool
    truth: Truth
    probabilities: Probabilities
    uncalibrated: Probabilities | None = None
    cross_validation: CrossValidation | None = None

    def performance(self, threshold: float = DEFAULT_THRESHOLD) -> Performance:
        """Returns the figures for counting a tag as predicted from probability ``threshold`` on."""
        predicted = self.probabilities >= threshold
        present = self.truth > 0
        right = (predicted & present).sum(axis=0)
        tags = tuple(
            TagFigures(
                tag_id=tag_id,
                tag_name=self.tag_names[tag],
                precision=_share(right[tag], predicted[:, tag].sum()),
                recall=_share(right[tag], present[:, tag].sum()),
                average_precision=average_precision(present[:, tag], self.probabilities[:, tag]),
                held_out_image_count=int(present[:, tag].sum()),
                image_count=self.image_counts[tag],
            )
            for tag, tag_id in enumerate(self.tag_ids)
        )
        overall = Metrics(
            precision=_share(right.sum(), predicted.sum()),
            recall=_share(right.sum(), present.sum()),
            average_precision=_mean([tag.average_precision for tag in tags if tag.held_out_image_count]),
            accuracy=accuracy(self.truth, self.probabilities, multilabel=self.multilabel, threshold=threshold),
            held_out_image_count=len(self.image_ids),
        )
        return Performance(
            threshold,
            overall,
            tags,
            confusion=None if self.multilabel else self._confusion(),
            calibration=calibration_of(self.truth, self.probabilities, self.uncalibrated, multilabel=self.multilabel),
            cross_validation=self.cross_validation,
        )

    def to_bytes(self) -> bytes:
        """Returns the evaluation's artifact."""
        manifest = {
            "kind": "evaluation",
            "tag_ids": self.tag_ids,
            "tag_names": self.tag_names,
            "image_counts": self.image_counts,
            "multilabel": self.multilabel,
        }
        if self.cross_validation is not None:
            manifest["cross_validation"] = asdict(self.cross_validation)
        files = {
            "image_ids.json": json.dumps(self.image_ids).encode(),
            "truth.npy": array_bytes(self.truth),
            "probabilities.npy": array_bytes(self.probabilities),
        }
        if self.uncalibrated is not None:
            files["uncalibrated.npy"] = array_bytes(self.uncalibrated)
        return pack(manifest, files)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Evaluation":
        """Reads an evaluation's artifact, also one of a version that knew less. Raises ArtifactInvalid."""
        manifest, files = unpack(data, kind="evaluation")
        folds = manifest.get("cross_validation")
        return cls(
            image_ids=tuple(json.loads(files["image_ids.json"])),
            tag_ids=tuple(manifest["tag_ids"]),
            tag_names=tuple(manifest["tag_names"]),
            image_counts=tuple(manifest["image_counts"]),
            multilabel=manifest["multilabel"],
            truth=array_of(files["truth.npy"]),
            probabilities=array_of(files["probabilities.npy"]),
            uncalibrated=array_of(files["uncalibrated.npy"]) if "uncalibrated.npy" in files else None,
            cross_validation=CrossValidation(**folds) if folds is not None else None,
        )

    def _confusion(self) -> tuple[tuple[int, ...], ...]:
        count = len(self.tag_ids)
        pairs = self.truth.argmax(axis=1) * count + self.probabilities.argmax(axis=1)
        counts: npt.NDArray[np.int64] = np.bincount(pairs, minlength=count * count).reshape(count, count)
        return tuple(tuple(row) for row in counts.tolist())


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0
