"""A LiteRT file, known as TensorFlow Lite before."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from customvision.training.export.formats.saved_model import SavedModel
from customvision.training.export.makings import Makings
from customvision.training.export.tensor_names import INPUT, OUTPUT


class LiteRt:
    """One file for phones and small machines; ``half`` keeps its weights as float16."""

    def __init__(self, *, half: bool) -> None:
        self._half = half

    def build(self, makings: Makings, folder: Path) -> Path:
        """Writes ``model.tflite``."""
        converter = tf.lite.TFLiteConverter.from_saved_model(str(SavedModel().build(makings, folder)))
        if self._half:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        entry = folder / "model.tflite"
        entry.write_bytes(converter.convert())
        return entry

    def answers(self, entry: Path, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Answers with LiteRT's interpreter."""
        with warnings.catch_warnings(action="ignore"):
            # TensorFlow's copy of the interpreter says that it will move to a package of its own.
            interpreter = tf.lite.Interpreter(str(entry))
        run = interpreter.get_signature_runner()
        return np.concatenate([run(**{INPUT: picture[None].astype(np.float32)})[OUTPUT] for picture in pixels])
