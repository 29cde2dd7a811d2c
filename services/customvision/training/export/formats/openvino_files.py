"""OpenVINO's pair of files: the served backbone itself, with the head behind it."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino
from openvino import opset13 as operations

from customvision.training.export.makings import Makings
from customvision.training.export.tensor_names import INPUT, OUTPUT

# Left alone, OpenVINO picks bf16 on some processors.
PRECISION = {"INFERENCE_PRECISION_HINT": "f32"}


class OpenVinoFiles:
    """A folder with ``model.xml`` and ``model.bin``: uint8[1, size, size, 3] in."""

    def build(self, makings: Makings, folder: Path) -> Path:
        """Writes the folder ``openvino``. The graph is the one that the service runs; nothing is converted."""
        entry = folder / "openvino"
        entry.mkdir()
        with tempfile.TemporaryDirectory() as scratch:
            trunk = openvino.Core().read_model(*makings.backbone.write_model(Path(scratch)))
            head = makings.model.head
            product = operations.matmul(trunk.outputs[0].node.input_value(0), head.weights, False, False)
            logits = operations.add(product, operations.constant(head.bias))
            answer = operations.sigmoid(logits) if head.multilabel else operations.softmax(logits, 1)
            answer.output(0).tensor.set_names({OUTPUT})
            trunk.inputs[0].tensor.set_names({INPUT})
            model = openvino.Model([answer], trunk.get_parameters(), "customvision")
            openvino.save_model(model, str(entry / "model.xml"), compress_to_fp16=False)
        return entry

    def answers(self, entry: Path, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Answers with OpenVINO."""
        compiled = openvino.Core().compile_model(str(entry / "model.xml"), "CPU", PRECISION)
        return np.concatenate([compiled({INPUT: picture[None]})[OUTPUT] for picture in pixels])
