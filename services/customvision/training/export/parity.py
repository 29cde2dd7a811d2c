"""Whether an exported model answers like the service: both are asked about the same pictures."""

import contextlib
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from customvision.common.errors import InvalidArgument
from customvision.training.export.export_format import ExportFormat
from customvision.training.export.makings import Makings
from customvision.vision.decoding import decode_for_backbone
from customvision.vision.trunk import Trunk

DRAWN_PICTURES = 4
_LIBRARIES = ("keras", "tensorflow", "onnx", "openvino", "numpy")

Pixels = npt.NDArray[np.uint8]
Answers = npt.NDArray[np.float64]


class AnswersDiffer(Exception):
    """The exported model answers otherwise than the one that is served; the message says by how much."""


@dataclass(frozen=True)
class Pictures:
    """``pixels`` uint8[n, size, size, 3] and the ids of the held-out images that they show; no ids: drawn pictures."""

    pixels: Pixels
    image_ids: tuple[str, ...]


@dataclass(frozen=True)
class Parity:
    """How an export and the service answered the same pictures; differences are those of probabilities, 0 to 1."""

    format: str
    image_source: str
    compared_count: int
    image_ids: tuple[str, ...]
    maximum_difference: float
    mean_difference: float
    same_likeliest_tag_count: int
    tolerance: float
    versions: dict[str, str]

    def record(self) -> dict[str, Any]:
        """Returns the report as what JSON can hold."""
        return asdict(self)

    def sentence(self) -> str:
        """Returns the report in words."""
        return (
            f"Asked about {self.compared_count} {self.image_source}, this file and the Custom Vision service named the "
            f"same likeliest tag for {self.same_likeliest_tag_count} of them; probabilities differed by "
            f"{self.maximum_difference:.2g} at most and {self.mean_difference:.2g} in the mean, where "
            f"{self.tolerance:g} is allowed."
        )


def pictures_of(makings: Makings) -> Pictures:
    """Returns the held-out images that can be decoded or, where there are none, drawn pictures."""
    size = makings.backbone.input_size
    decoded: dict[str, Pixels] = {}
    for image_id, file in makings.image_files.items():
        with contextlib.suppress(InvalidArgument):
            decoded[image_id] = decode_for_backbone(file.read_bytes(), size)
    if not decoded:
        return Pictures(drawn_pictures(size), ())
    return Pictures(np.stack(list(decoded.values())), tuple(decoded))


def compare(export_format: ExportFormat, exported: npt.NDArray[Any], makings: Makings, pictures: Pictures) -> Parity:
    """Returns how far ``exported`` is from what is served. Raises AnswersDiffer beyond the format's tolerance."""
    served = served_answers(makings, pictures.pixels)
    differences = np.abs(exported.astype(np.float64) - served)
    parity = Parity(
        format=export_format.value,
        image_source="held-out images" if pictures.image_ids else "drawn pictures (no held-out image is left)",
        compared_count=len(served),
        image_ids=pictures.image_ids,
        maximum_difference=float(differences.max()),
        mean_difference=float(differences.mean()),
        same_likeliest_tag_count=int((exported.argmax(axis=1) == served.argmax(axis=1)).sum()),
        tolerance=export_format.tolerance,
        versions={name: str(sys.modules[name].__version__) for name in _LIBRARIES if name in sys.modules},
    )
    # Written so that numbers that are none are beyond it too.
    if not parity.maximum_difference <= parity.tolerance:
        raise AnswersDiffer(
            f"The exported model does not agree with the service: over {parity.compared_count} "
            f"{parity.image_source}, probabilities differ by up to {parity.maximum_difference:.4f}, and "
            f"{parity.tolerance:g} is allowed."
        )
    return parity


def served_answers(makings: Makings, pixels: Pixels) -> Answers:
    """Returns what the prediction service would answer to uint8[n, size, size, 3]: float64[n, tags]."""
    with tempfile.TemporaryDirectory() as folder:
        trunk = Trunk.load(*makings.backbone.write_model(Path(folder)))
    return makings.model.head.probabilities(np.stack([trunk.embed(picture) for picture in pixels]))


def drawn_pictures(size: int) -> Pixels:
    """Returns uint8[n, size, size, 3]: shades, and grain on them, always the same."""
    generator = np.random.default_rng(0)
    colours = generator.uniform(0, 255, (DRAWN_PICTURES, 1, 1, 3))
    slopes = np.linspace(-60, 60, size)[None, :, None, None]
    grain = generator.normal(0, 30, (DRAWN_PICTURES, size, size, 3))
    return np.clip(colours + slopes + grain, 0, 255).astype(np.uint8)
