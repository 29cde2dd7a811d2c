"""A TensorFlow SavedModel."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from customvision.training.export.keras_model import keras_model
from customvision.training.export.makings import Makings
from customvision.training.export.tensor_names import INPUT, OUTPUT


class SavedModel:
    """A folder that ``tensorflow.saved_model.load`` and TensorFlow Serving read."""

    def build(self, makings: Makings, folder: Path) -> Path:
        """Writes the folder ``saved_model``."""
        entry = folder / "saved_model"
        network = keras_model(makings)

        def serve(pixels: Any) -> dict[str, Any]:
            return {OUTPUT: network(pixels, training=False)}

        # A plain module: Keras' own export writes all weights twice and takes three times as long.
        module = tf.Module()
        module.weights = [variable.value for variable in network.variables]
        pixels = tf.TensorSpec((None, *network.input.shape[1:]), tf.float32, name=INPUT)
        module.serve = tf.function(serve, input_signature=[pixels])
        tf.saved_model.save(module, str(entry), signatures={"serving_default": module.serve})
        return entry

    def answers(self, entry: Path, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Answers with TensorFlow."""
        # Kept by name: the functions of a loaded model die with it.
        loaded = tf.saved_model.load(str(entry))
        answers = [loaded.serve(picture[None].astype(np.float32))[OUTPUT].numpy() for picture in pixels]
        return np.concatenate(answers)
