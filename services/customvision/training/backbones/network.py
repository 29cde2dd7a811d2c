"""The backbone as a Keras model. Only processes of their own import this file: Keras takes seconds to load."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from customvision.training.backbones.weights_file import INNER_LAYERS, WeightsUnusable, read_shape, write_notes


def bare_network(width: float, input_size: int) -> Any:
    """Returns MobileNetV2 of that width without weights of note: scaled pixels in, pooled features out."""
    # Keras warns of sizes that it has no weights for, and there is nothing to load.
    with warnings.catch_warnings(action="ignore"):
        return keras.applications.MobileNetV2(
            alpha=width, weights=None, include_top=False, pooling="avg", input_shape=(input_size, input_size, 3)
        )


def bare_network_from_file(file: Path) -> Any:
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


def network_from_file(file: Path) -> Any:
    """Returns the network with the weights in ``file`` and all the features that it says. Raises WeightsUnusable."""
    return with_inner_features(bare_network_from_file(file), read_shape(file).inner_scales)


def with_inner_features(network: Any, inner_scales: Sequence[float]) -> Any:
    """Returns ``network`` with the pooled, scaled maps of INNER_LAYERS behind its own features, where there are scales.

    What a small network was taught at its end it knows less well than what leads there.
    """
    if not inner_scales:
        return network
    pooled = [network.output]
    for layer, scale in zip(INNER_LAYERS, inner_scales, strict=True):
        inner = keras.layers.GlobalAveragePooling2D()(network.get_layer(layer).output)
        pooled.append(keras.layers.Rescaling(scale)(inner))
    return keras.Model(network.input, keras.layers.Concatenate()(pooled))


def network_with_classifier(file: Path) -> Any:
    """Returns MobileNetV2 with its classifier and the weights in ``file``; what Keras raises where they do not fit."""
    shape = read_shape(file)
    full = keras.applications.MobileNetV2(alpha=shape.width, weights=None, classes=shape.classes)
    full.load_weights(str(file))
    return full


def save_network(network: Any, file: Path, inner_scales: Sequence[float] = ()) -> None:
    """Writes the weights of a bare ``network`` to a ``.weights.h5`` file, with its input size and inner scales."""
    network.save_weights(str(file))
    write_notes(file, input_size=int(network.input.shape[1]), inner_scales=inner_scales)


def with_pixels_in(network: Any) -> Any:
    """Returns ``network`` behind the scaling that it expects: it then takes pixel values from 0 to 255."""
    pixels = keras.Input(network.input.shape[1:], name="pixels")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(pixels)
    return keras.Model(pixels, network(scaled, training=False))
