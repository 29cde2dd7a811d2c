"""A loaded model: from an image's bytes to the probability of each tag."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from customvision.prediction.labelled_head import LabelledHead
from customvision.prediction.network import Network
from customvision.prediction.publication import PublishedModel
from customvision.prediction.stages import ObserveStage, Stage, Stopwatch, unobserved
from customvision.vision.decoding import decode_for_backbone
from customvision.vision.head import Probabilities


@dataclass(frozen=True, slots=True)
class TagProbability:
    """How likely one tag is, 0 to 1."""

    tag_id: str
    tag_name: str
    probability: float


@dataclass(eq=False, slots=True)
class Model:
    """An iteration ready to answer. Thread-safe; ``last_use_time`` alone changes, None until it is first asked.

    A request holds a plain reference to the model it began with, so a model that was replaced meanwhile
    is freed when its last request ends, and its network when its last model goes. ``observe`` is told how long each
    stage of an answer took.
    """

    published: PublishedModel
    labelled_head: LabelledHead
    network: Network
    load_time: datetime
    last_use_time: datetime | None = None
    observe: ObserveStage = unobserved

    @property
    def memory_bytes(self) -> int:
        """What it holds that is not there for every project: its head, and its part of a fine-tuned network."""
        return self.labelled_head.memory_bytes + self.network.own_bytes

    def predict(
        self, image_data: bytes, is_alone: Callable[[], bool], *, large_too: bool = False
    ) -> list[TagProbability]:
        """Returns every tag's probability, likeliest first, ties in label order. Computes for milliseconds.

        An image that ``is_alone`` once it is decoded has more of the machine, for the same answer sooner.
        Only while Residency holds the network in memory. Raises the errors of customvision.vision.decoding where the
        image cannot be read; PictureIsLarge, soon, where it takes long to decode, unless ``large_too``.
        """
        # Once: it stays ours though the network makes room meanwhile.
        trunk = self.network.trunk
        if trunk is None:
            raise RuntimeError("the model's network is not in memory")
        stopwatch = Stopwatch(self.observe)
        pixels = decode_for_backbone(image_data, trunk.input_size, large_too=large_too)
        stopwatch.lap(Stage.DECODE)
        features = trunk.embed(pixels, alone=is_alone())
        stopwatch.lap(Stage.TRUNK)
        ranked = self._ranked(self.labelled_head.head.probabilities(features))
        stopwatch.lap(Stage.HEAD)
        return ranked

    def _ranked(self, probabilities: Probabilities) -> list[TagProbability]:
        order = np.argsort(-probabilities, kind="stable")
        labels = self.labelled_head.labels
        return [
            TagProbability(labels[index].tag_id, labels[index].tag_name, float(probabilities[index])) for index in order
        ]
