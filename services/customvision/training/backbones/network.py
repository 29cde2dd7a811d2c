"""The backbone as a Keras model. Only processes of their own import this file: Keras takes seconds to load."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from customvision.training.backbones.architectures import Architecture
from customvision.training.backbones.weights_file import (
    INNER_LAYERS,
    WeightsShape,
    WeightsUnusable,
    read_shape,
    write_notes,
)


def bare_network(architecture: Architecture) -> Any:
    """Returns the network without weights of note: scaled pixels in, pooled features out."""
    side = architecture.input_size
    shape = (3, side, side) if keras.config.image_data_format() == "channels_first" else (side, side, 3)
    # Keras warns of sizes that it has no weights for, and there is nothing to load.
    with warnings.catch_warnings(action="ignore"):
        return _built(architecture, include_top=False, pooling="avg", input_shape=shape)


def bare_network_from_file(file: Path) -> Any:
    """Returns the MobileNet with the weights in ``file``, with or without its classifier. Raises WeightsUnusable."""
    shape = read_shape(file)
    network = bare_network(shape.network)
    try:
        if shape.classes is None:
            network.load_weights(str(file))
        else:
            classifier_arrays = shape.network.family.classifier_arrays
            network.set_weights(network_with_classifier(file).get_weights()[:-classifier_arrays])
    # Keras raises many kinds of error on files that do not fit; all of them mean the same to a user.
    except Exception as error:
        raise WeightsUnusable(_misfit(file, shape)) from error
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
    """Returns the MobileNet with its classifier and the weights in ``file``; raises what Keras does where they misfit.

    Only for a file with a classifier.
    """
    shape = read_shape(file)
    full = _built(shape.network, classes=shape.classes)
    full.load_weights(str(file))
    return full


def save_network(network: Any, file: Path, inner_scales: Sequence[float] = ()) -> None:
    """Writes the weights of a bare ``network`` to a ``.weights.h5`` file, with its input size and inner scales."""
    network.save_weights(str(file))
    write_notes(file, input_size=int(network.input.shape[2]), inner_scales=inner_scales)


def with_pixels_in(network: Any) -> Any:
    """Returns ``network`` behind the scaling that it expects: it then takes pixel values from 0 to 255."""
    pixels = keras.Input(network.input.shape[1:], name="pixels")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(pixels)
    return keras.Model(pixels, network(scaled, training=False))


def _built(architecture: Architecture, **options: Any) -> Any:
    family = architecture.family
    build = getattr(keras.applications, family.keras_name)
    return build(alpha=architecture.width, weights=None, **family.options, **options)


def _misfit(file: Path, shape: WeightsShape) -> str:
    return f"The weights in {file.name} do not fit Keras' {shape.network.family.keras_name} ({shape.width})."
