"""How far the student is from its teacher."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from customvision.training.distillation.student import LEVELS

SMALLEST_SCALE = 0.05
# What the parts of the loss weigh.
LEVEL_WEIGHTS = (1.0, 1.0, 1.0, 0.3)
FEATURES_WEIGHT, CLASSES_WEIGHT = 0.5, 1.0

Scale = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Objective:
    """Compares what the two see place by place and in the mean, and what the teacher's classifier makes of it.

    ``level_scales`` and ``features_scale``, float32[channels] each, are the teacher's own spread, so that no channel
    outweighs another; ``classifier`` float32[features, classes] and ``classifier_bias`` float32[classes] are its last
    layer.
    """

    level_scales: tuple[Scale, ...]
    features_scale: Scale
    classifier: npt.NDArray[np.float32]
    classifier_bias: npt.NDArray[np.float32]

    @classmethod
    def of(cls, targets: Sequence[npt.NDArray[Any]], classifier: Any, classifier_bias: Any) -> "Objective":
        """Measures the teacher's spread on ``targets``, float16[n, height, width, channels] for each level."""
        levels = tuple(_spread(level.reshape(-1, level.shape[-1])) for level in targets)
        return cls(levels, _spread(targets[-1].mean(axis=(1, 2), dtype=np.float32)), classifier, classifier_bias)

    def parts(self, seen: Sequence[Any], targets: Sequence[Any]) -> dict[str, Any]:
        """Returns the parts of the loss, each a weighted scalar, of maps float32[n, height, width, channels]."""
        parts = {
            level.layer: weight * tf.reduce_mean(tf.square((mine - wanted) / scale))
            for level, weight, scale, mine, wanted in zip(
                LEVELS, LEVEL_WEIGHTS, self.level_scales, seen, targets, strict=True
            )
        }
        features, wanted = tf.reduce_mean(seen[-1], axis=(1, 2)), tf.reduce_mean(targets[-1], axis=(1, 2))
        parts["features"] = FEATURES_WEIGHT * tf.reduce_mean(tf.square((features - wanted) / self.features_scale))
        parts["classes"] = CLASSES_WEIGHT * tf.reduce_mean(self._divergence(features, wanted))
        return parts

    def _divergence(self, features: Any, wanted: Any) -> Any:
        """Returns the Kullback-Leibler divergence of the two answers, float32[n]."""
        right = tf.nn.log_softmax(wanted @ self.classifier + self.classifier_bias)
        answer = tf.nn.log_softmax(features @ self.classifier + self.classifier_bias)
        return tf.reduce_sum(tf.exp(right) * (right - answer), axis=-1)


def _spread(values: npt.NDArray[Any]) -> Scale:
    spread: Scale = np.maximum(values.astype(np.float32).std(axis=0), SMALLEST_SCALE)
    return spread
