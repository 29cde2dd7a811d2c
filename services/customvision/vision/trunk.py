"""The frozen backbone, compiled: pixels in, pooled features out, alike for training and prediction."""

import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt
import openvino

from customvision.common.processors import available_cores
from customvision.vision.decoding import RgbPixels

Features = npt.NDArray[np.float32]
# OpenVINO's Python binding deadlocks where two threads make the first inference of a process at the same moment:
# one waits for the interpreter's lock inside the binding's static initialisation, the other the other way round.
_LOADING = threading.Lock()


class Trunk:
    """A compiled backbone. Thread-safe: each thread gets an inference request of its own."""

    def __init__(self, compiled: openvino.CompiledModel) -> None:
        self._compiled = compiled
        self._local = threading.local()
        shape = compiled.input(0).shape
        self.input_size: int = int(shape[1])
        self.feature_count: int = int(compiled.output(0).shape[1])

    @classmethod
    def load(cls, xml: Path, weights: Path, *, threads: int | None = None) -> "Trunk":
        """Reads an OpenVINO model (``uint8[1, size, size, 3]`` to ``float32[1, features]``) and compiles it in f32."""
        threads = threads or available_cores()
        # Set on purpose: left alone, OpenVINO picks bf16 on some processors and probabilities differ between machines.
        precision = {"INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": str(threads), "INFERENCE_NUM_THREADS": threads}
        with _LOADING:
            core = openvino.Core()
            trunk = cls(core.compile_model(core.read_model(xml, weights), "CPU", precision))
            trunk.embed(np.zeros((trunk.input_size, trunk.input_size, 3), np.uint8))
        return trunk

    def embed(self, pixels: RgbPixels) -> Features:
        """Returns the features ``float32[features]`` of one image ``uint8[size, size, 3]``."""
        request = getattr(self._local, "request", None)
        if request is None:
            request = self._local.request = self._compiled.create_infer_request()
        result = request.infer({0: pixels[np.newaxis]}, share_inputs=True)
        # A copy: the request's own buffer is overwritten by the thread's next image.
        return np.array(result[0][0], dtype=np.float32)
