"""The backbone as a Keras model. Only processes of their own import this file: Keras takes seconds to load."""

import warnings
from pathlib import Path
from typing import Any

import keras

from customvision.training.backbones.weights_file import WeightsUnusable, note_input_size, read_shape


def bare_network(width: float, input_size: int) -> Any:
    """Returns MobileNetV2 of that width without weights of note: scaled pixels in, pooled features out."""
    # Keras warns of sizes that it has no weights for, and there is nothing to load.
    with warnings.catch_warnings(action="ignore"):
        return keras.applications.MobileNetV2(
            alpha=width, weights=None, include_top=False, pooling="avg", input_shape=(input_size, input_size, 3)
        )


def network_from_file(file: Path) -> Any:
    """Returns MobileNetV2 with the weights in ``file``, with or without its classifier. Raises WeightsUnusable."""
    shape = read_shape(file)
    network = bare_network(shape.width, shape.input_size)
    try:
        if shape.classes is None:
            network.load_weights(str(file))
        else:
            network.set_weights(network_with_classifier(file).get_weights()[:-2])
    # Keras raises many kinds of error on files that do not fit; all of them mean the same to a user.
    except Exception as error:
        raise WeightsUnusable(f"The weights in {file.name} do not fit Keras' MobileNetV2 ({shape.width}).") from error
    return network


def network_with_classifier(file: Path) -> Any:
    """Returns MobileNetV2 with its classifier and the weights in ``file``; what Keras raises where they do not fit."""
    shape = read_shape(file)
    full = keras.applications.MobileNetV2(alpha=shape.width, weights=None, classes=shape.classes)
    full.load_weights(str(file))
    return full


def save_network(network: Any, file: Path) -> None:
    """Writes the weights of ``network``, and for which input size they are, to a ``.weights.h5`` file."""
    network.save_weights(str(file))
    note_input_size(file, int(network.input.shape[1]))


def with_pixels_in(network: Any) -> Any:
    """Returns ``network`` behind the scaling that it expects: it then takes pixel values from 0 to 255."""
    pixels = keras.Input(network.input.shape[1:], name="pixels")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(pixels)
    return keras.Model(pixels, network(scaled, training=False))
