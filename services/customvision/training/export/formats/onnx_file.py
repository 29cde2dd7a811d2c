"""An ONNX file."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import openvino

from customvision.training.export.formats.onnx_network import onnx_network
from customvision.training.export.formats.openvino_files import PRECISION
from customvision.training.export.keras_model import keras_model
from customvision.training.export.makings import Makings
from customvision.training.export.tensor_names import INPUT, OUTPUT


class OnnxFile:
    """One file that ONNX Runtime and many others read."""

    def build(self, makings: Makings, folder: Path) -> Path:
        """Writes ``model.onnx``."""
        entry = folder / "model.onnx"
        onnx.save_model(onnx_network(keras_model(makings)), entry)
        return entry

    def answers(self, entry: Path, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Answers with OpenVINO, which reads ONNX and is here already."""
        compiled = openvino.Core().compile_model(str(entry), "CPU", PRECISION)
        return np.concatenate([compiled({INPUT: picture[None].astype(np.float32)})[OUTPUT] for picture in pixels])
