"""The backbone as a Keras model. Only processes of their own import this file: Keras takes seconds to load."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from customvision.training.backbones.architectures import Architecture
from customvision.training.backbones.weights_file import (
    LEVELS_AND_SPREAD,
    SCALED_LAYERS,
    WeightsShape,
    WeightsUnusable,
    read_shape,
    write_notes,
)

# Keeps the slope of the root finite where a map is flat.
SMALLEST_VARIANCE = 1e-4


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
    with _misfit_told(file, shape):
        if shape.classes is None:
            network.load_weights(str(file))
        else:
            classifier_arrays = shape.network.family.classifier_arrays
            network.set_weights(network_with_classifier(file).get_weights()[:-classifier_arrays])
    return network


def network_from_file(file: Path) -> Any:
    """Returns the network with the weights in ``file`` and the features that it says. Raises WeightsUnusable."""
    shape, bare = read_shape(file), bare_network_from_file(file)
    if shape.features:
        return with_levels(bare, shape.network, shape.features)
    return _with_scaled_features(bare, shape.inner_scales)


def with_levels(network: Any, architecture: Architecture, features: str) -> Any:
    """Returns ``network`` with features of several depths, LEVELS or LEVELS_AND_SPREAD, each scaled to length 1.

    Colour and texture are told apart early in a network, and what it was not trained for it knows less well at its end
    than what leads there.
    """
    maps = [network.get_layer(layer).output for layer in architecture.family.inner_layers]
    levels = [level for inner in maps for level in levels_of(inner, features)]
    last = keras.layers.UnitNormalization()(network.output)
    return keras.Model(network.input, keras.layers.Concatenate()([*levels, last]) if levels else last)


def levels_of(maps: Any, features: str) -> list[Any]:
    """Returns the features of one depth, each float32[n, c] of length 1: the mean of ``maps`` and, where ``features``
    are LEVELS_AND_SPREAD, their standard deviation over all places."""
    pooled = [keras.layers.GlobalAveragePooling2D()(maps)]
    if features == LEVELS_AND_SPREAD:
        pooled.append(_spread(maps))
    return [keras.layers.UnitNormalization()(level) for level in pooled]


def _spread(maps: Any) -> Any:
    around_mean = keras.layers.Subtract()([maps, keras.layers.GlobalAveragePooling2D(keepdims=True)(maps)])
    variance = keras.layers.GlobalAveragePooling2D()(keras.layers.Multiply()([around_mean, around_mean]))
    return keras.ops.sqrt(variance + SMALLEST_VARIANCE)


def _with_scaled_features(network: Any, inner_scales: Sequence[float]) -> Any:
    # What the heads of older versions were trained on.
    if not inner_scales:
        return network
    pooled = [network.output]
    for layer, scale in zip(SCALED_LAYERS, inner_scales, strict=True):
        inner = keras.layers.GlobalAveragePooling2D()(network.get_layer(layer).output)
        pooled.append(keras.layers.Rescaling(scale)(inner))
    return keras.Model(network.input, keras.layers.Concatenate()(pooled))


def network_with_classifier(file: Path) -> Any:
    """Returns the MobileNet with its classifier and the weights in ``file``, which has one. Raises WeightsUnusable."""
    shape = read_shape(file)
    full = _built(shape.network, classes=shape.classes)
    with _misfit_told(file, shape):
        full.load_weights(str(file))
    return full


def save_network(network: Any, file: Path, features: str) -> None:
    """Writes the weights of a bare ``network`` to a ``.weights.h5`` file, with notes for network_from_file.

    ``features`` says how they are to be taken from it, LEVELS or LEVELS_AND_SPREAD.
    """
    network.save_weights(str(file))
    write_notes(file, input_size=int(network.input.shape[2]), features=features)


def with_pixels_in(network: Any) -> Any:
    """Returns ``network`` behind the scaling that it expects: it then takes pixel values from 0 to 255."""
    pixels = keras.Input(network.input.shape[1:], name="pixels")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(pixels)
    return keras.Model(pixels, network(scaled, training=False))


def _built(architecture: Architecture, **options: Any) -> Any:
    family = architecture.family
    build = getattr(keras.applications, family.keras_name)
    return build(alpha=architecture.width, weights=None, **family.options, **options)


@contextmanager
def _misfit_told(file: Path, shape: WeightsShape) -> Iterator[None]:
    try:
        yield
    # Keras raises many kinds of error on files that do not fit; all of them mean the same to a user.
    except Exception as error:
        raise WeightsUnusable(
            f"The weights in {file.name} do not fit Keras' {shape.network.family.keras_name} ({shape.width})."
        ) from error
