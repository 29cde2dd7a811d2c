"""A trained model as one Keras network, from pixels to probabilities."""

from typing import Any

import keras

from customvision.training.backbones.network import network_from_file, with_pixels_in
from customvision.training.export.makings import Makings
from customvision.training.export.tensor_names import OUTPUT


def keras_model(makings: Makings) -> Any:
    """Returns the network: float32[n, size, size, 3] of 0 to 255 in, float32[n, tags] probabilities out.

    Raises WeightsUnusable.
    """
    head = makings.model.head
    backbone = with_pixels_in(network_from_file(makings.weights_file))
    tags = keras.layers.Dense(head.bias.size, activation="sigmoid" if head.multilabel else "softmax", name=OUTPUT)
    network = keras.Model(backbone.input, tags(backbone.output))
    tags.set_weights([head.weights, head.bias])
    return network
