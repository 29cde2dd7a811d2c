"""Random weights that are equal on every machine and as useful as chance allows."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from customvision.training.backbones.weights_file import INPUT_SIZE

SEED = 20260101
PICTURES = 16
KERNEL_AXES = (0, 1, 2)
# Shares of a depthwise layer's channels, found by a linear probe on drawn and real pictures.
PASSES_ON, AVERAGES = 0.5, 0.3


def set_random_weights(network: Any, width: float) -> None:
    """Gives ``network`` seeded kernels, and batch-norm statistics measured on drawn pictures.

    Without measured statistics the activations of a random network collapse with depth. Everything is computed
    in float64 and rounded to float16's precision, so that processors that round differently agree.
    """
    original = keras.config.floatx()
    keras.config.set_floatx("float64")
    try:
        precise = keras.applications.MobileNetV2(
            alpha=width, weights=None, include_top=False, pooling="avg", input_shape=(INPUT_SIZE, INPUT_SIZE, 3)
        )
    finally:
        keras.config.set_floatx(original)
    generator = np.random.default_rng(SEED)
    for layer in precise.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
        elif layer.weights:
            layer.set_weights([_kernel(generator, layer.weights[0].shape, layer)])
    precise(_drawn_pictures(generator) / 127.5 - 1.0, training=True)
    network.set_weights([_rounded(array) for array in precise.get_weights()])


def _kernel(generator: np.random.Generator, shape: tuple[int, ...], layer: Any) -> npt.NDArray[np.float64]:
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return _rounded(_looks(generator, shape)).astype(np.float64)
    inputs = int(np.prod([shape[axis] for axis in KERNEL_AXES]))
    return _rounded(generator.standard_normal(shape) * np.sqrt(2.0 / inputs)).astype(np.float64)


def _looks(generator: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    # Noise in every layer would bury colour and texture under fifty mixtures of neighbours; so most channels pass
    # their own pixel on, some the mean of its neighbourhood, and the rest how much the neighbours differ.
    kernels = generator.standard_normal(shape) / 2
    kernels -= kernels.mean(axis=(0, 1))
    kind = generator.uniform(0, 1, shape[2])
    kernels[:, :, kind < PASSES_ON + AVERAGES] = 1 / 3
    kernels[:, :, kind < PASSES_ON] = 0
    kernels[1, 1, kind < PASSES_ON] = 1
    return kernels


def _rounded(array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    return array.astype(np.float16).astype(np.float32)


def _drawn_pictures(generator: np.random.Generator) -> npt.NDArray[np.float64]:
    # Shades, discs and grain: what photos are made of, at the scale of a picture.
    down, right = np.mgrid[0:INPUT_SIZE, 0:INPUT_SIZE] / INPUT_SIZE
    pictures = []
    for _ in range(PICTURES):
        corners = generator.uniform(0, 255, (3, 3))
        picture = corners[0] + (corners[1] - corners[0]) * down[..., None] * 0.5
        picture = picture + (corners[2] - corners[0]) * right[..., None] * 0.5
        for _ in range(6):
            center, radius = generator.uniform(0, 1, 2), generator.uniform(0.05, 0.3)
            inside = (down - center[0]) ** 2 + (right - center[1]) ** 2 < radius**2
            picture = np.where(inside[..., None], generator.uniform(0, 255, 3), picture)
        grain = generator.uniform(-30, 30, (INPUT_SIZE, INPUT_SIZE, 3))
        pictures.append(np.clip(picture + grain, 0, 255))
    return np.stack(pictures)
