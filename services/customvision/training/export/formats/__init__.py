"""One file per format: how it is built, and how its own runtime reads it."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from customvision.training.children.late_modules import load_late
from customvision.training.export.export_format import ExportFormat
from customvision.training.export.makings import Makings


class NetworkUnknown(Exception):
    """The network has a part that the format's writer does not know; the message names it."""


class Format(Protocol):
    """What can be done with a format."""

    def build(self, makings: Makings, folder: Path) -> Path:
        """Writes the model below ``folder`` and returns the file, or the folder, that it is.

        Raises WeightsUnusable, NetworkUnknown, OSError.
        """

    def answers(self, entry: Path, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Reads what ``build`` wrote and returns its probabilities, float32[n, tags], for uint8[n, size, size, 3]."""


def format_of(export_format: ExportFormat) -> Format:
    """Returns a format. Imports only what that one needs: TensorFlow takes seconds to load."""
    match export_format:
        case ExportFormat.KERAS:
            from customvision.training.export.formats.keras_file import KerasFile

            return KerasFile()
        case ExportFormat.SAVED_MODEL:
            from customvision.training.export.formats.saved_model import SavedModel

            return SavedModel()
        case ExportFormat.LITERT | ExportFormat.LITERT_FLOAT16:
            from customvision.training.export.formats.litert import LiteRt

            return LiteRt(half=export_format is ExportFormat.LITERT_FLOAT16)
        case ExportFormat.ONNX:
            # Keras on OpenVINO asks for it, and it takes as long to load as Keras.
            load_late("scipy.signal")
            from customvision.training.export.formats.onnx_file import OnnxFile

            return OnnxFile()
        case ExportFormat.OPENVINO:
            from customvision.training.export.formats.openvino_files import OpenVinoFiles

            return OpenVinoFiles()
