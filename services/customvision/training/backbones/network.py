"""The backbone as a Keras model. Only child processes import this file: Keras takes seconds to load."""

from pathlib import Path
from typing import Any

import keras

from customvision.training.backbones.random_weights import set_random_weights
from customvision.training.backbones.weights_file import INPUT_SIZE, WeightsUnusable, read_shape


def bare_network(width: float) -> Any:
    """Returns MobileNetV2 of that width without weights of note: scaled pixels in, pooled features out."""
    return keras.applications.MobileNetV2(
        alpha=width, weights=None, include_top=False, pooling="avg", input_shape=(INPUT_SIZE, INPUT_SIZE, 3)
    )


def network_from_file(file: Path) -> Any:
    """Returns MobileNetV2 with the weights in ``file``, with or without its classifier. Raises WeightsUnusable."""
    shape = read_shape(file)
    network = bare_network(shape.width)
    try:
        if shape.classes is None:
            network.load_weights(str(file))
        else:
            full = keras.applications.MobileNetV2(alpha=shape.width, weights=None, classes=shape.classes)
            full.load_weights(str(file))
            network.set_weights(full.get_weights()[:-2])
    # Keras raises many kinds of error on files that do not fit; all of them mean the same to a user.
    except Exception as error:
        raise WeightsUnusable(f"The weights in {file.name} do not fit Keras' MobileNetV2 ({shape.width}).") from error
    return network


def random_network(width: float = 1.0) -> Any:
    """Returns MobileNetV2 with random weights that are the same on every machine."""
    network = bare_network(width)
    set_random_weights(network, width)
    return network


def with_pixels_in(network: Any) -> Any:
    """Returns ``network`` behind the scaling that it expects: it then takes pixel values from 0 to 255."""
    pixels = keras.Input((INPUT_SIZE, INPUT_SIZE, 3), name="pixels")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(pixels)
    return keras.Model(pixels, network(scaled, training=False))
