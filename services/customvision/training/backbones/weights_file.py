"""What a Keras weights file holds, told from the shapes in it."""

from dataclasses import dataclass
from pathlib import Path

import h5py

INPUT_SIZE = 224
WIDTHS = (1.0, 0.75, 0.5, 0.35, 1.3, 1.4)
# Output channels of the last narrow convolution but one, at width 1: no two widths share it.
_MARKER_CHANNELS = 160
_EXPANSION = 6


class WeightsUnusable(Exception):
    """The file holds no MobileNetV2 weights; the message says so."""


@dataclass(frozen=True)
class WeightsShape:
    """The MobileNetV2 that a file fits: its ``width`` multiplier and, with a classifier on top, its ``classes``."""

    width: float
    classes: int | None

    @property
    def architecture(self) -> str:
        """The name of the network, such as mobilenet_v2_1.0_224."""
        return architecture_of(self.width)


def architecture_of(width: float) -> str:
    """Returns the name of the MobileNetV2 of that width."""
    return f"mobilenet_v2_{width}_{INPUT_SIZE}"


def read_shape(file: Path) -> WeightsShape:
    """Returns which MobileNetV2 the weights in ``file`` fit. Raises WeightsUnusable where none."""
    shapes: list[tuple[int, ...]] = []

    def note(_: str, entry: object) -> None:
        if isinstance(entry, h5py.Dataset):
            shapes.append(entry.shape)

    try:
        with h5py.File(file, "r") as content:
            content.visititems(note)
    except OSError as error:
        raise WeightsUnusable(f"The weights file {file.name} is no readable HDF5 file.") from error
    widths = [width for width in WIDTHS if _marker(width) in shapes]
    if len(widths) != 1:
        raise WeightsUnusable(
            f"The weights file {file.name} is not of a Keras MobileNetV2. "
            "Give one that keras.applications.MobileNetV2 loads."
        )
    classes = [shape[1] for shape in shapes if len(shape) == 2]
    return WeightsShape(widths[0], classes[0] if classes else None)


def _marker(width: float) -> tuple[int, ...]:
    channels = _divisible(_MARKER_CHANNELS * width)
    return (1, 1, channels * _EXPANSION, channels)


def _divisible(value: float) -> int:
    # MobileNetV2 rounds its channels to multiples of 8, never down by more than a tenth.
    rounded = max(8, int(value + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * value else rounded
