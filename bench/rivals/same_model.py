"""What every server here serves: the product's own decode, trunk and head, configured as the product does."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from customvision.common.processors import available_cores
from customvision.vision.artifacts import BackboneArtifact, ModelArtifact
from customvision.vision.decoding import decode_for_backbone
from customvision.vision.trunk import Trunk

NAME = "same"
INPUT, OUTPUT = "image", "probabilities"
# As many as the product has: decoding one photo fills the gaps of another.
THREADS = 2 * available_cores()


class SameModel:
    """Loaded from a folder with ``backbone.zip`` and ``model.zip``. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        backbone = BackboneArtifact.from_bytes((folder / "backbone.zip").read_bytes())
        self._head = ModelArtifact.from_bytes((folder / "model.zip").read_bytes()).head
        with TemporaryDirectory() as files:
            self._trunk = Trunk.load(*backbone.write_model(Path(files)))

    @property
    def tags(self) -> int:
        """How many probabilities there are."""
        return int(self._head.weights.shape[1])

    def probabilities(self, data: bytes) -> npt.NDArray[np.float32]:
        """Returns float32[tags] for the bytes of an image file, in the order of the head."""
        pixels = decode_for_backbone(data, self._trunk.input_size)
        return self._head.probabilities(self._trunk.embed(pixels)).astype(np.float32)


def model_threads() -> ThreadPoolExecutor:
    """Returns the threads to compute on."""
    return ThreadPoolExecutor(THREADS)
