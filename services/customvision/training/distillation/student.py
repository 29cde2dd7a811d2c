"""The network that learns: Keras' MobileNetV2 for any input size, quick to train, with statistics that keep up."""

from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

MOMENTUM = 0.9


@dataclass(frozen=True)
class Level:
    """A depth at which teacher and student are compared: a layer of MobileNetV2 and its ``stride`` in pixels."""

    layer: str
    stride: int


# The ends of the stages whose maps grow no smaller, and what the features are pooled from.
LEVELS = (Level("block_5_add", 8), Level("block_12_add", 16), Level("block_15_add", 32), Level("out_relu", 32))


class PromptNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Batch normalisation by TensorFlow's fused operation, whose moving statistics follow within a few steps.

    Keras' MobileNetV2 sets a momentum of 0.999: after a few thousand steps its statistics are still those of
    the beginning. ``keep`` is the share of the old statistics that each step keeps.
    """

    def __init__(self, *, keep: Any, **settings: Any) -> None:
        super().__init__(**settings)
        self.keep = keep

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:  # noqa: ARG002 - Keras' own
        """Normalises ``float32[n, height, width, channels]``."""
        gamma, beta = self.gamma.value, self.beta.value
        if not training:
            fixed = {"mean": self.moving_mean.value, "variance": self.moving_variance.value}
            return _fused(inputs, gamma, beta, epsilon=self.epsilon, is_training=False, **fixed)[0]
        outputs, mean, variance = _fused(inputs, gamma, beta, epsilon=self.epsilon, is_training=True)
        for statistic, seen in ((self.moving_mean, mean), (self.moving_variance, variance)):
            statistic.assign(statistic.value * self.keep + seen * (1.0 - self.keep))
        return outputs


def student_network(width: float, keep: Any) -> Any:
    """Returns MobileNetV2 of that width with fresh weights: pixels of -1 to 1 in, its last map out."""
    plain = keras.applications.MobileNetV2(alpha=width, weights=None, include_top=False, input_shape=(None, None, 3))

    def prompt(layer: Any) -> Any:
        settings = layer.get_config()
        if isinstance(layer, keras.layers.BatchNormalization):
            return PromptNormalization(keep=keep, **settings)
        return layer.__class__.from_config(settings)

    return keras.models.clone_model(plain, clone_function=prompt)


def with_readers(student: Any, channels: list[int]) -> Any:
    """Returns ``student`` with an output per level, each ``float32[n, height, width, channels]`` of that level.

    A narrow student's inner maps have fewer channels than the teacher's: a linear reader, which is thrown away in the
    end, learns to tell those from these. The last level is compared as it is.
    """
    outputs = [
        keras.layers.Conv2D(count, 1, name=f"reader_of_{level.layer}")(student.get_layer(level.layer).output)
        for level, count in zip(LEVELS[:-1], channels, strict=False)
    ]
    return keras.Model(student.input, [*outputs, student.output])


def _fused(*inputs: Any, **settings: Any) -> Any:
    return tf.compat.v1.nn.fused_batch_norm(*inputs, **settings)
