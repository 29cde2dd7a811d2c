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


class Stem:
    """The first part of a network, compiled, which the tails of several share. Thread-safe."""

    def __init__(self, network: openvino.Model, *, threads: int | None = None) -> None:
        with _LOADING:
            self._requests = _Requests(network, threads or available_cores())
        self.input_size = int(network.input(0).shape[1])

    def compile_lone(self, network: openvino.Model, threads: int) -> None:
        """Does what Trunk's does, for the network that it was made of."""
        with _LOADING:
            self._requests.compile_lone(network, threads)

    def maps(self, pixels: RgbPixels, *, alone: bool = False) -> list[openvino.Tensor]:
        """Returns what a tail takes for one image; the thread's next image overwrites it."""
        request = self._requests.of_this_thread(alone=alone)
        request.infer({0: pixels[np.newaxis]}, share_inputs=True)
        return list(request.output_tensors)


class Trunk:
    """A compiled backbone, whole or behind a stem. Thread-safe: each thread gets an inference request of its own.

    ``blank`` are the features of a black image.
    """

    def __init__(self, network: openvino.Model, stem: Stem | None = None, *, threads: int | None = None) -> None:
        """``network`` is the whole backbone, or the tail of it that takes what ``stem`` gives. Compiles it in f32.

        ``threads`` compute at the same time, each one image.
        """
        self._stem = stem
        self.input_size: int = int(network.input(0).shape[1]) if stem is None else stem.input_size
        self.feature_count: int = int(network.output(0).shape[1])
        with _LOADING:
            self._requests = _Requests(network, threads or available_cores())
            self.blank = self.embed(np.zeros((self.input_size, self.input_size, 3), np.uint8))

    @classmethod
    def load(cls, xml: Path, weights: Path, *, threads: int | None = None) -> "Trunk":
        """Reads an OpenVINO model (``uint8[1, size, size, 3]`` to ``float32[1, features]``) and compiles it in f32."""
        return cls(openvino.Core().read_model(xml, weights), threads=threads)

    def compile_lone(self, network: openvino.Model, threads: int) -> None:
        """Compiles the ``network`` that it was made of once more: with all ``threads`` for an image that is alone.

        Until then, and where there is one thread, such an image is computed like any other. May be called while others
        embed; the second form takes as much memory as the first.
        """
        with _LOADING:
            self._requests.compile_lone(network, threads)

    def embed(self, pixels: RgbPixels, *, alone: bool = False) -> Features:
        """Returns the features ``float32[features]`` of one image ``uint8[size, size, 3]``.

        One that is ``alone`` comes sooner once ``compile_lone`` was called, the same to the bit.
        """
        request = self._requests.of_this_thread(alone=alone)
        if self._stem is None:
            result = request.infer({0: pixels[np.newaxis]}, share_inputs=True)
        else:
            # No copy: the tail reads where the stem wrote.
            result = request.infer(dict(enumerate(self._stem.maps(pixels, alone=alone))), share_inputs=True)
        # A copy: the request's own buffer is overwritten by the thread's next image.
        return np.array(result[0][0], dtype=np.float32)


class _Requests:
    """The inference requests of a network, one for each thread, and one more for images that are alone."""

    def __init__(self, network: openvino.Model, threads: int) -> None:
        self._compiled = _compiled(network, streams=threads, threads=threads)
        self._lone: openvino.CompiledModel | None = None
        self._local = threading.local()

    def compile_lone(self, network: openvino.Model, threads: int) -> None:
        """Makes the form for images that are alone, unless it would be no other."""
        if threads > 1:
            self._lone = _compiled(network, streams=1, threads=threads)

    def of_this_thread(self, *, alone: bool) -> openvino.InferRequest:
        """Returns the request of the thread that asks, made when it first does."""
        if alone and self._lone is not None:
            return self._kept("lone_request", self._lone)
        return self._kept("request", self._compiled)

    def _kept(self, name: str, compiled: openvino.CompiledModel) -> openvino.InferRequest:
        request: openvino.InferRequest | None = getattr(self._local, name, None)
        if request is None:
            request = compiled.create_infer_request()
            setattr(self._local, name, request)
        return request


def _compiled(network: openvino.Model, *, streams: int, threads: int) -> openvino.CompiledModel:
    options = {
        # A stream computes one image, with its part of the threads.
        "NUM_STREAMS": str(streams),
        "INFERENCE_NUM_THREADS": threads,
        # Set on purpose: left alone, OpenVINO picks bf16 on some processors and probabilities differ between machines.
        "INFERENCE_PRECISION_HINT": "f32",
    }
    return openvino.Core().compile_model(network, "CPU", options)
