"""Keras' own ``.keras`` file."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from customvision.training.export.keras_model import keras_model
from customvision.training.export.makings import Makings

BATCH = 8


class KerasFile:
    """One file that ``keras.models.load_model`` reads."""

    def build(self, makings: Makings, folder: Path) -> Path:
        """Writes ``model.keras``."""
        entry = folder / "model.keras"
        keras_model(makings).save(entry)
        return entry

    def answers(self, entry: Path, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Answers with Keras."""
        network = keras.models.load_model(entry)
        result: npt.NDArray[Any] = network.predict(pixels.astype(np.float32), batch_size=BATCH, verbose=0)
        return result
