"""A trained model as one Keras network, from pixels to probabilities."""

import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from customvision.training.backbones.network import network_from_file, with_pixels_in
from customvision.vision.artifacts import BackboneArtifact, ModelArtifact
from customvision.vision.trunk import Trunk

PICTURES = 4
TOLERANCE = 1e-3

Pictures = npt.NDArray[np.uint8]
Answers = npt.NDArray[np.float64]


class ExportDiffers(Exception):
    """The exported network answers otherwise than the model that is served."""


def keras_model(model: ModelArtifact, weights_file: Path) -> Any:
    """Returns the network: float32[n, size, size, 3] of 0 to 255 in, float32[n, tags] probabilities out."""
    backbone = with_pixels_in(network_from_file(weights_file))
    activation = "sigmoid" if model.head.multilabel else "softmax"
    head = keras.layers.Dense(len(model.labels), activation=activation, name="tags")
    network = keras.Model(backbone.input, head(backbone.output))
    head.set_weights([model.head.weights, model.head.bias])
    return network


def drawn_pictures(size: int) -> Pictures:
    """Returns uint8[n, size, size, 3]: shades, and grain on them, always the same."""
    generator = np.random.default_rng(0)
    colours = generator.uniform(0, 255, (PICTURES, 1, 1, 3))
    slopes = np.linspace(-60, 60, size)[None, :, None, None]
    grain = generator.normal(0, 30, (PICTURES, size, size, 3))
    return np.clip(colours + slopes + grain, 0, 255).astype(np.uint8)


def served_answers(model: ModelArtifact, backbone: BackboneArtifact, pictures: Pictures) -> Answers:
    """Returns what the prediction service would answer: float64[n, tags]."""
    with tempfile.TemporaryDirectory() as folder:
        trunk = Trunk.load(*backbone.write_model(Path(folder)))
        features = np.stack([trunk.embed(picture) for picture in pictures])
    return model.head.probabilities(features)


def check_equal(exported: npt.NDArray[Any], served: Answers) -> None:
    """Raises ExportDiffers where any probability is further than 0.001 from what is served."""
    difference = float(np.abs(exported - served).max())
    if not difference <= TOLERANCE:
        raise ExportDiffers(f"The exported network differs from the served model by {difference:.4f}.")
