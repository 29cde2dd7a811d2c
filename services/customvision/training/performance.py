"""How well a model does on its held-out images, at any threshold."""

import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from customvision.training.event import Metrics
from customvision.vision.artifacts import array_bytes, array_of, pack, unpack

DEFAULT_THRESHOLD = 0.5

Truth = npt.NDArray[np.uint8]
Probabilities = npt.NDArray[np.float32]


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
    """Figures at one threshold, overall and per tag in order of creation."""

    threshold: float
    overall: Metrics
    tags: tuple[TagFigures, ...]


@dataclass(frozen=True)
class Evaluation:
    """What a model said about its held-out images: ``truth`` uint8[n, t] and ``probabilities`` float32[n, t].

    ``image_counts`` are the images of the whole data set that carry each tag.
    """

    image_ids: tuple[str, ...]
    tag_ids: tuple[str, ...]
    tag_names: tuple[str, ...]
    image_counts: tuple[int, ...]
    multilabel: bool
    truth: Truth
    probabilities: Probabilities

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
            accuracy=self._accuracy(predicted, present),
            held_out_image_count=len(self.image_ids),
        )
        return Performance(threshold, overall, tags)

    def to_bytes(self) -> bytes:
        """Returns the evaluation's artifact."""
        manifest = {
            "kind": "evaluation",
            "tag_ids": self.tag_ids,
            "tag_names": self.tag_names,
            "image_counts": self.image_counts,
            "multilabel": self.multilabel,
        }
        files = {
            "image_ids.json": json.dumps(self.image_ids).encode(),
            "truth.npy": array_bytes(self.truth),
            "probabilities.npy": array_bytes(self.probabilities),
        }
        return pack(manifest, files)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Evaluation":
        """Reads an evaluation's artifact. Raises ArtifactInvalid."""
        manifest, files = unpack(data, kind="evaluation")
        return cls(
            image_ids=tuple(json.loads(files["image_ids.json"])),
            tag_ids=tuple(manifest["tag_ids"]),
            tag_names=tuple(manifest["tag_names"]),
            image_counts=tuple(manifest["image_counts"]),
            multilabel=manifest["multilabel"],
            truth=array_of(files["truth.npy"]),
            probabilities=array_of(files["probabilities.npy"]),
        )

    def _accuracy(self, predicted: npt.NDArray[np.bool_], present: npt.NDArray[np.bool_]) -> float:
        if not len(present):
            return 0.0
        if self.multilabel:
            return float((predicted == present).mean())
        return float((self.probabilities.argmax(axis=1) == present.argmax(axis=1)).mean())


def average_precision(present: npt.NDArray[np.bool_], scores: Probabilities) -> float:
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


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0
