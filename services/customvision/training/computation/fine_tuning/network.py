"""The network that is fine-tuned: the backbone, its last blocks free to learn, and a head on it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from customvision.training.backbones.network import bare_network_from_file, save_network, with_levels, with_pixels_in
from customvision.training.backbones.weights_file import read_shape
from customvision.vision.head import Head

ANSWER_BATCH = 32

Variables = list[npt.NDArray[np.float32]]


@dataclass(frozen=True)
class TunableNetwork:
    """``model`` takes pixels float32[n, size, size, 3] of 0 to 255 and gives logits float32[n, tags].

    ``bare`` is the backbone within it.
    """

    model: Any
    bare: Any

    @property
    def tunable(self) -> Variables:
        """The variables that fine-tuning changes."""
        return [np.asarray(variable) for variable in self.model.trainable_variables]

    def set_tunable(self, values: Variables) -> None:
        """Sets the variables that fine-tuning changes."""
        for variable, value in zip(self.model.trainable_variables, values, strict=True):
            variable.assign(value)

    def logits(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        """Returns float64[n, tags] for uint8[n, size, size, 3]."""
        parts = [
            np.asarray(self.model(pixels[start : start + ANSWER_BATCH].astype(np.float32), training=False))
            for start in range(0, len(pixels), ANSWER_BATCH)
        ]
        return np.concatenate(parts).astype(np.float64)

    def head(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Returns weights float32[d, tags] and bias float32[tags] of the head."""
        weights, bias = self.model.get_layer("tags").get_weights()
        return weights, bias

    def save_backbone(self, file: Path) -> None:
        """Writes the backbone's weights to a ``.weights.h5`` file."""
        save_network(self.bare, file)


def tunable_network(weights_file: Path, head: Head) -> TunableNetwork:
    """Returns the network with the weights in ``weights_file`` and ``head`` on it. Raises WeightsUnusable."""
    bare = bare_network_from_file(weights_file)
    _free_last_blocks(bare)
    backbone = with_pixels_in(with_levels(bare, read_shape(weights_file).network))
    tags = keras.layers.Dense(len(head.bias), name="tags")
    model = keras.Model(backbone.input, tags(backbone.output))
    tags.set_weights([head.weights, head.bias])
    return TunableNetwork(model, bare)


def _free_last_blocks(bare: Any) -> None:
    """Leaves trainable what works on maps of the last, smallest size; batch norm keeps its statistics and its scales.

    What a network sees early is of use for all photos, and a few of them would only spoil it.
    """
    maps = [layer.output.shape for layer in bare.layers]
    last = next(shape[1] for shape in reversed(maps) if len(shape) == 4)
    frozen = max(index for index, shape in enumerate(maps) if len(shape) == 4 and shape[1] > last)
    for index, layer in enumerate(bare.layers):
        layer.trainable = index > frozen and not isinstance(layer, keras.layers.BatchNormalization)
