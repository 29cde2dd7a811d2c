"""Small real networks that differ from a base in their last layer only, as fine-tuned ones do, without Keras."""

import functools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from openvino import opset13 as operations

from customvision.vision.artifacts import BackboneArtifact
from customvision.vision.decoding import PREPROCESSING
from customvision.vision.network_parts import frozen_outputs
from models import FEATURE_COUNT, INPUT_SIZE

CHANNELS = 8


def network(last_layer: int, first_layer: int = 0) -> openvino.Model:
    """Returns a network whose features are the mean red, green and blue, 0 to 1, and one that its layers compute.

    ``last_layer`` and ``first_layer`` draw their weights.
    """
    pixels = operations.parameter([1, INPUT_SIZE, INPUT_SIZE, 3], np.uint8, "pixels")
    scaled = operations.divide(operations.convert(pixels, "f32"), operations.constant(np.float32(255)))
    maps = operations.transpose(scaled, operations.constant(np.array([0, 3, 1, 2])))
    seen = operations.relu(_convolution(maps, _drawn(first_layer, (CHANNELS, 3, 3, 3))))
    own = operations.relu(_convolution(seen, _drawn(last_layer, (1, CHANNELS, 3, 3))))
    features = operations.concat([_means(maps), _means(own)], axis=1)
    return _as_saved(openvino.Model([features], [pixels], "tunable"))


@functools.cache
def tuned_backbone(last_layer: int, first_layer: int = 0) -> BackboneArtifact:
    """Returns a backbone fine-tuned from ``network(0)``, as training writes it."""
    tuned = network(last_layer, first_layer)
    with tempfile.TemporaryDirectory() as folder:
        xml = Path(folder) / "trunk.xml"
        openvino.save_model(tuned, xml, compress_to_fp16=False)
        return BackboneArtifact(
            backbone_id=f"tuned-{last_layer}",
            architecture="tunable",
            input_size=INPUT_SIZE,
            feature_count=FEATURE_COUNT,
            preprocessing=PREPROCESSING,
            xml=xml.read_bytes(),
            weights=xml.with_suffix(".bin").read_bytes(),
            frozen_outputs=tuple(frozen_outputs(tuned, network(0))),
        )


def _drawn(seed: int, shape: tuple[int, ...]) -> Any:
    return np.random.default_rng(seed).normal(0.0, 0.2, shape).astype(np.float32)


def _convolution(maps: Any, weights: Any) -> Any:
    return operations.convolution(maps, operations.constant(weights), [1, 1], [1, 1], [1, 1], [1, 1])


def _means(maps: Any) -> Any:
    return operations.reduce_mean(maps, operations.constant(np.array([2, 3])), keep_dims=False)


def _as_saved(model: openvino.Model) -> openvino.Model:
    """Returns the network as it is read from its files, where each operation has a name of its own."""
    with tempfile.TemporaryDirectory() as folder:
        xml = Path(folder) / "network.xml"
        openvino.save_model(model, xml, compress_to_fp16=False)
        return openvino.Core().read_model(xml)
