"""What is a model's own beside its network: a head and the tags that its outputs stand for."""

from dataclasses import dataclass

import numpy as np

from customvision.vision.artifacts import ArtifactInvalid, Label
from customvision.vision.head import Head
from customvision.vision.trunk import Trunk


@dataclass(frozen=True, eq=False, weakref_slot=True, slots=True)
class LabelledHead:
    """``labels`` in the order of the outputs of ``head``; ``backbone_sha256`` is the network that it was trained on."""

    labels: tuple[Label, ...]
    head: Head
    backbone_sha256: str

    @property
    def memory_bytes(self) -> int:
        """What its numbers hold."""
        return self.head.weights.nbytes + self.head.bias.nbytes

    def check(self, trunk: Trunk) -> None:
        """Has the head answer for a blank image. Raises ArtifactInvalid where it cannot."""
        expected = self.head.weights.shape[0]
        if expected != trunk.feature_count:
            raise ArtifactInvalid(f"The head expects {expected} features, its backbone gives {trunk.feature_count}.")
        if not np.isfinite(self.head.probabilities(trunk.blank)).all():
            raise ArtifactInvalid("The model answers a blank image with numbers that are not finite.")
