"""The trained part of a quick model: a linear layer on backbone features."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from customvision.vision.trunk import Features

Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Head:
    """``weights`` float32[features, tags], ``bias`` float32[tags]; ``multilabel`` makes probabilities independent."""

    weights: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]
    multilabel: bool

    def probabilities(self, features: "Features") -> Probabilities:
        """Returns float64[..., tags] for float32[..., features]: softmax over tags, or a sigmoid for each."""
        logits = (features @ self.weights + self.bias).astype(np.float64)
        return sigmoid(logits) if self.multilabel else softmax(logits)


def softmax(logits: Probabilities) -> Probabilities:
    """Returns probabilities that sum to one over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: Probabilities = shifted / shifted.sum(axis=-1, keepdims=True)
    return result


def sigmoid(logits: Probabilities) -> Probabilities:
    """Returns 1 / (1 + exp(-logit)) without overflow."""
    result: Probabilities = np.exp(-np.logaddexp(0.0, -logits))
    return result
