"""What a Keras weights file holds, told from the shapes in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py

from customvision.training.backbones.architectures import (
    FAMILIES,
    KERAS_FILES,
    LARGEST_INPUT_SIZE,
    MOBILENET_V2,
    STRIDE,
    USUAL_INPUT_SIZE,
    Architecture,
    Family,
    Shape,
    is_input_size,
)

# At which depths features are taken beside the last, where a file says so. Only MobileNetV2 has such.
INNER_LAYERS = MOBILENET_V2.inner_layers
_INPUT_SIZE_NOTE, _INNER_SCALES_NOTE = "customvision_input_size", "customvision_inner_scales"


class WeightsUnusable(Exception):
    """The file holds no MobileNet weights that can be used; the message says why."""


@dataclass(frozen=True)
class WeightsShape:
    """The ``network`` that a file fits and, with a classifier on top, its ``classes``.

    ``inner_scales``, one for each of INNER_LAYERS, bring the features of those to the size of the last ones; empty
    where the last are the only ones.
    """

    network: Architecture
    classes: int | None
    inner_scales: tuple[float, ...]

    @property
    def width(self) -> float:
        """The width multiplier of the network."""
        return self.network.width

    @property
    def input_size(self) -> int:
        """The side in pixels of the pictures that it was trained for."""
        return self.network.input_size

    @property
    def architecture(self) -> str:
        """The name of the network, such as mobilenet_v2_1.0_224; ``_inner`` is added where inner features are used."""
        return self.network.name + ("_inner" if self.inner_scales else "")


def read_shape(file: Path) -> WeightsShape:
    """Returns which MobileNet the weights in ``file`` fit. Raises WeightsUnusable where none."""
    shapes: list[Shape] = []

    def note(_: str, entry: object) -> None:
        if isinstance(entry, h5py.Dataset):
            shapes.append(entry.shape)

    try:
        with h5py.File(file, "r") as content:
            content.visititems(note)
            input_size = content.attrs.get(_INPUT_SIZE_NOTE, _size_by_name(file))
            inner_scales = tuple(map(float, content.attrs.get(_INNER_SCALES_NOTE, ())))
    except OSError as error:
        raise WeightsUnusable(f"The weights file {file.name} is no readable HDF5 file.") from error
    family, width = _marked(shapes, file)
    if not is_input_size(input_size):
        raise WeightsUnusable(
            f"The weights file {file.name} says that it is for pictures of {input_size} pixels, which must be a "
            f"multiple of {STRIDE} up to {LARGEST_INPUT_SIZE}."
        )
    if inner_scales and (
        len(inner_scales) != len(family.inner_layers) or not all(0 < scale < 1e6 for scale in inner_scales)
    ):
        raise WeightsUnusable(f"The weights file {file.name} has inner scales that cannot be used: {inner_scales}.")
    return WeightsShape(Architecture(family, width, int(input_size)), _classes(shapes, family, width), inner_scales)


def write_notes(file: Path, *, input_size: int, inner_scales: Sequence[float] = ()) -> None:
    """Writes into the weights file for pictures of which side, in pixels, its network is, and its inner scales."""
    with h5py.File(file, "r+") as content:
        content.attrs[_INPUT_SIZE_NOTE] = input_size
        if inner_scales:
            content.attrs[_INNER_SCALES_NOTE] = list(inner_scales)


def _size_by_name(file: Path) -> int:
    return KERAS_FILES[file.name].input_size if file.name in KERAS_FILES else USUAL_INPUT_SIZE


def _marked(shapes: Sequence[Shape], file: Path) -> tuple[Family, float]:
    found = [(family, width) for family in FAMILIES for width in family.widths if family.marks(width) <= set(shapes)]
    if len(found) != 1:
        raise WeightsUnusable(
            f"The weights file {file.name} is not of a Keras MobileNet. Give one that keras.applications.MobileNetV2, "
            "MobileNet, MobileNetV3Large or MobileNetV3Small loads."
        )
    return found[0]


def _classes(shapes: Sequence[Shape], family: Family, width: float) -> int | None:
    before = family.classifier_input(width)
    classes = [shape[-1] for shape in shapes if shape[:-1] == before]
    # The last kernel below the classifier may look like one.
    for shape in family.marks(width):
        if shape[:-1] == before:
            classes.remove(shape[-1])
    return classes[0] if classes else None
