"""A loaded model: from an image's bytes to the probability of each tag."""

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from customvision.prediction.publication import PublishedModel
from customvision.prediction.stages import ObserveStage, Stage, Stopwatch, unobserved
from customvision.vision.artifacts import Label
from customvision.vision.decoding import decode_for_backbone
from customvision.vision.head import Head, Probabilities
from customvision.vision.trunk import Trunk


@dataclass(frozen=True)
class TagProbability:
    """How likely one tag is, 0 to 1."""

    tag_id: str
    tag_name: str
    probability: float


@dataclass(frozen=True)
class Model:
    """An iteration ready to answer. Immutable and thread-safe.

    A request holds a plain reference to the model it began with, so a model that was replaced meanwhile
    is freed when its last request ends, and its trunk when its last model goes. ``observe`` is told how long each
    stage of an answer took.
    """

    published: PublishedModel
    labels: tuple[Label, ...]
    head: Head
    trunk: Trunk
    load_time: datetime
    observe: ObserveStage = field(default=unobserved, compare=False, repr=False)

    @property
    def memory_bytes(self) -> int:
        """What it holds for itself alone: its head."""
        return self.head.weights.nbytes + self.head.bias.nbytes

    def predict(self, image_data: bytes) -> list[TagProbability]:
        """Returns every tag's probability, likeliest first, ties in label order. Computes for milliseconds.

        Raises the errors of customvision.vision.decoding where the image cannot be read.
        """
        stopwatch = Stopwatch(self.observe)
        pixels = decode_for_backbone(image_data, self.trunk.input_size)
        stopwatch.lap(Stage.DECODE)
        features = self.trunk.embed(pixels)
        stopwatch.lap(Stage.TRUNK)
        ranked = self._ranked(self.head.probabilities(features))
        stopwatch.lap(Stage.HEAD)
        return ranked

    def _ranked(self, probabilities: Probabilities) -> list[TagProbability]:
        order = np.argsort(-probabilities, kind="stable")
        return [
            TagProbability(self.labels[index].tag_id, self.labels[index].tag_name, float(probabilities[index]))
            for index in order
        ]
