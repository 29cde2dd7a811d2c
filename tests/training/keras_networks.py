"""Run as a process of its own, for Keras stays out of the tests': what Keras says of its networks, in a folder.

``asked.json`` has the download that each network of Keras asks for, and ``NAME.weights.h5`` arrays of the shapes of
its weights. Of one network per family there are, below ``FAMILY/``, the FILES: weights with a classifier, without one,
and without one in Keras' older layout. ``features.npz`` has what Keras itself makes of some ``pictures`` (``keras``),
and what the network from each of the FILES does; ``older.npz`` the same of a MobileNetV2 that an older version made
ready, ``spread.npz`` of one that asks for the spread of inner maps.
"""

import functools
import json
import sys
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from keras.src.legacy.saving import legacy_h5_format
from keras.src.models import Functional
from keras.src.utils import file_utils

from customvision.training.backbones import network as networks
from customvision.training.backbones.architectures import FAMILIES, KERAS_FILES, MOBILENET_V2, Architecture, Family
from customvision.training.backbones.network import network_from_file, save_network, with_pixels_in
from customvision.training.backbones.weights_file import (
    LEVELS,
    LEVELS_AND_SPREAD,
    SCALED_LAYERS,
    read_shape,
    write_notes,
)

CLASSES, PICTURES = 7, 3
SCALES = (0.5, 2.0, 3.0)
FILES = ("full.weights.h5", "bare.weights.h5", "legacy.h5")
# The smallest that leaves more than one place in the last map.
SIDE = 64
random = np.random.default_rng(0)
# A network takes a second to build, and each file is read into it anew.
networks.bare_network = functools.cache(networks.bare_network)


def main(folder: Path) -> None:
    """Writes everything."""
    asked = {}
    for family in FAMILIES:
        for width in family.widths:
            name = Architecture(family, width, 224).name
            network, asked[name] = network_with_download(family, width, 224)
            save_shapes(network, folder / f"{name}.weights.h5")
    for architecture in KERAS_FILES.values():
        if (architecture.width, architecture.input_size) == (0.5, 128):
            asked[architecture.name] = network_with_download(architecture.family, 0.5, 128)[1]
    (folder / "asked.json").write_text(json.dumps(asked))
    for family in FAMILIES:
        compare(Architecture(family, min(family.widths), SIDE), folder)


def network_with_download(family: Family, width: float, size: int) -> tuple[Any, list[str]]:
    """Returns Keras' own network without a classifier, and the name, address and digest of what it would download."""
    asked: list[str] = []

    def get_file(name: str, origin: str, *, file_hash: str = "", **_: Any) -> str:
        asked.extend((name, origin, file_hash))
        return name

    build = getattr(keras.applications, family.keras_name)
    keras_get_file, load_weights = file_utils.get_file, Functional.load_weights
    file_utils.get_file, Functional.load_weights = get_file, lambda *_: None
    try:
        # Its weights get shapes, and no values, which take most of the time.
        with keras.StatelessScope(initialize_variables=False):
            network = build(alpha=width, weights="imagenet", include_top=False, input_shape=(size, size, 3))
    finally:
        file_utils.get_file, Functional.load_weights = keras_get_file, load_weights
    return network, asked


def save_shapes(network: Any, file: Path) -> None:
    """Writes an array for each of a network's weights, all of them without values."""
    with h5py.File(file, "w") as content:
        for variable in network.weights:
            content.create_dataset(variable.path, variable.shape, np.float32)


def compare(architecture: Architecture, folder: Path) -> None:
    """Writes the files of one family."""
    family, side = architecture.family, architecture.input_size
    folder = folder / family.name
    folder.mkdir()
    build = getattr(keras.applications, family.keras_name)
    shape = (side, side, 3)
    full = build(alpha=architecture.width, weights=None, classes=CLASSES, input_shape=shape)
    full.set_weights([drawn(variable) for variable in full.weights])
    full.save_weights(folder / "full.weights.h5")
    write_notes(folder / "full.weights.h5", input_size=side)
    bare = build(alpha=architecture.width, weights=None, include_top=False, pooling="avg", input_shape=shape)
    bare.set_weights(full.get_weights()[: len(bare.weights)])
    save_network(bare, folder / "bare.weights.h5", LEVELS)
    # In the layout of the files that Keras publishes.
    with h5py.File(folder / "legacy.h5", "w") as legacy:
        legacy_h5_format.save_weights_to_hdf5_group(legacy, bare)
    write_notes(folder / "legacy.h5", input_size=side)
    pictures = random.integers(0, 256, (PICTURES, *shape), dtype=np.uint8)
    pixels = pictures.astype(np.float32)
    # Only V3 scales pixels itself.
    keras_input = pixels if "include_preprocessing" in family.options else pixels / 127.5 - 1
    np.savez(
        folder / "features.npz",
        pictures=pictures,
        keras=levels(full, family, keras_input),
        **{name: answers_of_file(folder / name, pixels) for name in FILES},
    )
    if family is MOBILENET_V2:
        compare_spread(bare, pixels, folder)
        compare_older(bare, pixels, folder)


def compare_spread(bare: Any, pixels: Any, folder: Path) -> None:
    """Writes weights that ask for the spread of inner maps, and what NumPy makes of Keras' maps."""
    file = folder / "spread.weights.h5"
    save_network(bare, file, LEVELS_AND_SPREAD)
    maps = keras.Model(bare.input, [bare.get_layer(layer).output for layer in MOBILENET_V2.inner_layers])
    wanted = []
    for level in maps(pixels / 127.5 - 1, training=False):
        places = np.asarray(level).reshape(len(pixels), -1, level.shape[-1])
        wanted += [places.mean(axis=1), np.sqrt(places.var(axis=1) + networks.SMALLEST_VARIANCE)]
    wanted.append(answers(bare, pixels / 127.5 - 1))
    scaled = [level / np.linalg.norm(level, axis=1, keepdims=True) for level in wanted]
    np.savez(folder / "spread.npz", keras=np.hstack(scaled), exported=answers_of_file(file, pixels))


def compare_older(bare: Any, pixels: Any, folder: Path) -> None:
    """Writes weights with the notes of older versions, and the features that those took from them."""
    without, scaled = folder / "without_notes.weights.h5", folder / "scaled.weights.h5"
    for file in (without, scaled):
        bare.save_weights(file)
        with h5py.File(file, "r+") as content:
            content.attrs["customvision_input_size"] = pixels.shape[1]
    with h5py.File(scaled, "r+") as content:
        content.attrs["customvision_inner_scales"] = SCALES
    maps = keras.Model(bare.input, [bare.get_layer(layer).output for layer in SCALED_LAYERS])
    scaled_pixels = pixels / 127.5 - 1
    inner = [np.asarray(level).mean(axis=(1, 2)) for level in maps(scaled_pixels, training=False)]
    last = answers(bare, scaled_pixels)
    np.savez(
        folder / "older.npz",
        last=last,
        all_levels=np.hstack([last, *[level * scale for level, scale in zip(inner, SCALES, strict=True)]]),
        without_notes=answers_of_file(without, pixels),
        scaled=answers_of_file(scaled, pixels),
    )


def levels(full: Any, family: Family, pixels: Any) -> Any:
    """Returns the features of each depth, scaled by NumPy to length 1: float32[pictures, features]."""
    inner = [full.get_layer(layer).output for layer in family.inner_layers]
    # The last one: V3 pools inside its blocks too.
    *_, pooling = (layer for layer in full.layers if isinstance(layer, keras.layers.GlobalAveragePooling2D))
    outputs = keras.Model(full.input, [*inner, pooling.output])(pixels, training=False)
    # Keras gives one alone without a list around it.
    maps = [np.asarray(output) for output in (outputs if inner else [outputs])]
    pooled = [level.mean(axis=tuple(range(1, level.ndim - 1))) for level in maps]
    return np.hstack([level / np.linalg.norm(level, axis=1, keepdims=True) for level in pooled])


def answers_of_file(file: Path, pixels: Any) -> Any:
    """Returns the features of the network that exports are made from, with the weights in ``file``."""
    bare = networks.bare_network(read_shape(file).network)
    # What a file does not bring must not be there from the one before.
    bare.set_weights([np.zeros(variable.shape, np.float32) for variable in bare.weights])
    return answers(with_pixels_in(network_from_file(file)), pixels)


def answers(network: Any, pixels: Any) -> Any:
    """Returns the network's features ``float32[pictures, features]``."""
    return np.asarray(network(pixels, training=False)).reshape(PICTURES, -1)


def drawn(variable: Any) -> Any:
    """Returns values for a variable with which every part of a network matters, statistics too."""
    name, shape = variable.path.rsplit("/", 1)[-1], variable.shape
    if "kernel" in name:
        fan_in = int(np.prod(shape[:3] if shape[-1] != 1 else shape[:2]))
        return random.normal(0, np.sqrt(2 / fan_in), shape)
    return random.uniform(0.5, 1.5, shape) if name in ("gamma", "moving_variance") else random.normal(0, 0.2, shape)


main(Path(sys.argv[1]))
