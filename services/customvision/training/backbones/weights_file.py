"""What a Keras weights file holds, told from the shapes in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py

# What Keras' own weights are for, and every file that does not say otherwise.
USUAL_INPUT_SIZE = 224
# Between the multiples of MobileNetV2's stride, Keras pads otherwise than a network that was trained for any size.
STRIDE, LARGEST_INPUT_SIZE = 32, 1024
_INPUT_SIZE_NOTE, _INNER_SCALES_NOTE = "customvision_input_size", "customvision_inner_scales"
# At which depths features are taken beside the last, where a file says so: after a block of MobileNetV2 has widened.
INNER_LAYERS = ("block_10_expand_relu", "block_13_expand_relu", "block_15_expand_relu")
WIDTHS = (1.0, 0.75, 0.5, 0.35, 1.3, 1.4)
# Output channels of the last narrow convolution but one, at width 1: no two widths share it.
_MARKER_CHANNELS = 160
_EXPANSION = 6


class WeightsUnusable(Exception):
    """The file holds no MobileNetV2 weights; the message says so."""


@dataclass(frozen=True)
class WeightsShape:
    """The MobileNetV2 that a file fits: its ``width`` multiplier, the side in pixels of the pictures it was trained
    for and, with a classifier on top, its ``classes``.

    ``inner_scales``, one for each of INNER_LAYERS, bring the features of those to the size of the last ones; empty
    where the last are the only ones.
    """

    width: float
    classes: int | None
    input_size: int
    inner_scales: tuple[float, ...]

    @property
    def architecture(self) -> str:
        """The name of the network, such as mobilenet_v2_1.0_224; ``_inner`` is added where inner features are used."""
        return f"mobilenet_v2_{self.width}_{self.input_size}" + ("_inner" if self.inner_scales else "")


def read_shape(file: Path) -> WeightsShape:
    """Returns which MobileNetV2 the weights in ``file`` fit. Raises WeightsUnusable where none."""
    shapes: list[tuple[int, ...]] = []

    def note(_: str, entry: object) -> None:
        if isinstance(entry, h5py.Dataset):
            shapes.append(entry.shape)

    try:
        with h5py.File(file, "r") as content:
            content.visititems(note)
            input_size = content.attrs.get(_INPUT_SIZE_NOTE, USUAL_INPUT_SIZE)
            inner_scales = tuple(map(float, content.attrs.get(_INNER_SCALES_NOTE, ())))
    except OSError as error:
        raise WeightsUnusable(f"The weights file {file.name} is no readable HDF5 file.") from error
    widths = [width for width in WIDTHS if _marker(width) in shapes]
    if len(widths) != 1:
        raise WeightsUnusable(
            f"The weights file {file.name} is not of a Keras MobileNetV2. "
            "Give one that keras.applications.MobileNetV2 loads."
        )
    if input_size not in range(STRIDE, LARGEST_INPUT_SIZE + 1, STRIDE):
        raise WeightsUnusable(
            f"The weights file {file.name} says that it is for pictures of {input_size} pixels, which must be a "
            f"multiple of {STRIDE} up to {LARGEST_INPUT_SIZE}."
        )
    if inner_scales and (len(inner_scales) != len(INNER_LAYERS) or not all(0 < scale < 1e6 for scale in inner_scales)):
        raise WeightsUnusable(f"The weights file {file.name} has inner scales that cannot be used: {inner_scales}.")
    classes = [shape[1] for shape in shapes if len(shape) == 2]
    return WeightsShape(widths[0], classes[0] if classes else None, int(input_size), inner_scales)


def write_notes(file: Path, *, input_size: int, inner_scales: Sequence[float] = ()) -> None:
    """Writes into the weights file for pictures of which side, in pixels, its network is, and its inner scales."""
    with h5py.File(file, "r+") as content:
        content.attrs[_INPUT_SIZE_NOTE] = input_size
        if inner_scales:
            content.attrs[_INNER_SCALES_NOTE] = list(inner_scales)


def _marker(width: float) -> tuple[int, ...]:
    channels = _divisible(_MARKER_CHANNELS * width)
    return (1, 1, channels * _EXPANSION, channels)


def _divisible(value: float) -> int:
    # MobileNetV2 rounds its channels to multiples of 8, never down by more than a tenth.
    rounded = max(8, int(value + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * value else rounded
