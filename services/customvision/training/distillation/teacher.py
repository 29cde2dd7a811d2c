"""The network that is learned from: what it sees at each place of a crop, and what its classifier makes of that."""

import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import openvino

from customvision.training.backbones.network import network_with_classifier, with_pixels_in
from customvision.training.distillation.crops import Crops
from customvision.training.distillation.student import LEVELS
from customvision.vision.artifacts import digest_of

BATCH = 8

Targets = npt.NDArray[np.float16]


class Teacher:
    """Keras' ImageNet MobileNetV2 with its classifier, run by OpenVINO.

    ``classifier`` is float32[features, classes] and ``classifier_bias`` float32[classes]; ``digest`` is the file's.
    """

    def __init__(self, weights_file: Path) -> None:
        """``weights_file`` is what given_weights takes. Raises WeightsUnusable where Keras cannot load it."""
        self.digest = digest_of(weights_file.read_bytes())
        network = network_with_classifier(weights_file)
        self.classifier, self.classifier_bias = network.get_weights()[-2:]
        self._compiled = _compile(
            keras.Model(network.input, [network.get_layer(level.layer).output for level in LEVELS])
        )

    def look(self, crops: Crops, size: int) -> tuple[Targets, ...]:
        """Returns what a student at ``size`` pixels should see in ``crops`` uint8[n, side, side, 3]: for each level
        ``float16[n, places, places, channels]``, the teacher's map averaged to as many places as the student has."""
        grids = [size // level.stride for level in LEVELS]
        kept: list[list[Targets]] = [[] for _ in range(-(-len(crops) // BATCH))]
        queue = openvino.AsyncInferQueue(self._compiled)
        queue.set_callback(lambda request, index: kept[index].extend(_averaged(request, grids)))
        for index in range(len(kept)):
            queue.start_async({0: crops[index * BATCH : (index + 1) * BATCH]}, userdata=index)
        queue.wait_all()
        return tuple(np.concatenate(level) for level in zip(*kept, strict=True))


def _averaged(request: Any, grids: list[int]) -> list[Targets]:
    averaged = []
    for index, grid in enumerate(grids):
        maps = request.get_output_tensor(index).data
        lines = _averaging(maps.shape[1], grid)
        averaged.append(np.einsum("ip,npqc,jq->nijc", lines, maps, lines, optimize=True).astype(np.float16))
    return averaged


def _averaging(places: int, grid: int) -> npt.NDArray[np.float32]:
    """Returns ``float32[grid, places]`` that averages a line of places to a coarser one, in proportion to overlap."""
    edges, starts = np.linspace(0, places, grid + 1), np.arange(places)
    overlap = np.minimum(edges[1:, None], starts + 1) - np.maximum(edges[:-1, None], starts)
    shares = np.clip(overlap, 0, None)
    averaging: npt.NDArray[np.float32] = (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
    return averaging


def _compile(network: Any) -> openvino.CompiledModel:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "teacher.xml"
        with_pixels_in(network).export(str(file), format="openvino", verbose=False)
        model = openvino.Core().read_model(file)
        model.reshape([-1, *network.input.shape[1:]])
        precision = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "THROUGHPUT"}
        return openvino.Core().compile_model(model, "CPU", precision)
