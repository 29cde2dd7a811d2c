"""What a Keras weights file holds, told from the shapes in it."""

import hashlib
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
from customvision.training.backbones.nuisances import Nuisances

# The names of how features are taken from a network: part of a backbone's identity, changed whenever features could.
# A network trained by this project says more of a photo where the spread of its inner maps is told beside their mean;
# one trained on ImageNet does not (docs/adr/0008).
LEVELS, LEVELS_AND_SPREAD = "levels-1", "levels-and-spread-1"
# At which depths of MobileNetV2 older versions took features, where a file has a scale for each.
SCALED_LAYERS = ("block_10_expand_relu", "block_13_expand_relu", "block_15_expand_relu")
_INPUT_SIZE_NOTE, _FEATURES_NOTE, _INNER_SCALES_NOTE = (
    "customvision_input_size",
    "customvision_features",
    "customvision_inner_scales",
)


_NUISANCES = "customvision_nuisances"


class WeightsUnusable(Exception):
    """The file holds no MobileNet weights that can be used; the message says why."""


@dataclass(frozen=True)
class WeightsShape:
    """The ``network`` that a file fits and, with a classifier on top, its ``classes``.

    ``features`` is LEVELS or LEVELS_AND_SPREAD in files that this version made ready, and empty in others. Files of
    older versions have ``inner_scales``, one for each of SCALED_LAYERS, or none where only the last features were
    taken.
    """

    network: Architecture
    classes: int | None
    features: str
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
    def features_today(self) -> str:
        """How this version takes features from the network: LEVELS, unless the file asks for LEVELS_AND_SPREAD."""
        return self.features or LEVELS

    @property
    def architecture(self) -> str:
        """The name of the network, such as mobilenet_v2_1.0_224."""
        return self.network.name


def read_shape(file: Path) -> WeightsShape:
    """Returns which MobileNet the weights in ``file`` fit. Raises WeightsUnusable where none."""
    shapes: list[Shape] = []

    def note(name: str, entry: object) -> None:
        if isinstance(entry, h5py.Dataset) and not name.startswith(_NUISANCES):
            shapes.append(entry.shape)

    try:
        with h5py.File(file, "r") as content:
            content.visititems(note)
            input_size = content.attrs.get(_INPUT_SIZE_NOTE, _size_by_name(file))
            features = str(content.attrs.get(_FEATURES_NOTE, ""))
            inner_scales = tuple(map(float, content.attrs.get(_INNER_SCALES_NOTE, ())))
    except OSError as error:
        raise WeightsUnusable(f"The weights file {file.name} is no readable HDF5 file.") from error
    family, width = _marked(shapes, file)
    if not is_input_size(input_size):
        raise WeightsUnusable(
            f"The weights file {file.name} says that it is for pictures of {input_size} pixels, which must be a "
            f"multiple of {STRIDE} up to {LARGEST_INPUT_SIZE}."
        )
    if features not in ("", LEVELS, LEVELS_AND_SPREAD):
        raise WeightsUnusable(
            f"The weights file {file.name} was made by a newer version of Custom Vision: this one does not know the "
            f"features '{features}'. Update Custom Vision."
        )
    if inner_scales and (
        family is not MOBILENET_V2
        or len(inner_scales) != len(SCALED_LAYERS)
        or not all(0 < scale < 1e6 for scale in inner_scales)
    ):
        raise WeightsUnusable(f"The weights file {file.name} has inner scales that cannot be used: {inner_scales}.")
    network = Architecture(family, width, int(input_size))
    return WeightsShape(network, _classes(shapes, family, width), features, inner_scales)


def write_notes(file: Path, *, input_size: int, features: str = LEVELS) -> None:
    """Writes into the weights file for which side of pictures, in pixels, it is, and how features are taken: LEVELS or
    LEVELS_AND_SPREAD. Nuisances of other features than these leave the file."""
    with h5py.File(file, "r+") as content:
        if _NUISANCES in content and content.attrs.get(_FEATURES_NOTE, LEVELS) != features:
            del content[_NUISANCES]
        content.attrs[_INPUT_SIZE_NOTE] = input_size
        content.attrs[_FEATURES_NOTE] = features


def read_nuisances(file: Path) -> Nuisances:
    """Returns those that were measured of the network with its features of today, or none. Raises WeightsUnusable."""
    with h5py.File(file, "r") as content:
        try:
            return Nuisances.from_arrays({name: array[()] for name, array in content.get(_NUISANCES, {}).items()})
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise WeightsUnusable(
                f"What the weights file {file.name} tells of its nuisances cannot be used ({error}). Measure them "
                "again: make nuisances."
            ) from error


def write_nuisances(file: Path, nuisances: Nuisances) -> None:
    """Writes into the weights file what read_nuisances returns."""
    with h5py.File(file, "r+") as content:
        if _NUISANCES in content:
            del content[_NUISANCES]
        for name, array in nuisances.to_arrays().items():
            content[f"{_NUISANCES}/{name}"] = array


def network_digest(file: Path) -> str:
    """Returns what a weights file's network is known by, 64 hex digits: its arrays in any order, as float32."""
    digests: list[str] = []

    def note(name: str, entry: object) -> None:
        if isinstance(entry, h5py.Dataset) and not name.startswith(_NUISANCES):
            digests.append(hashlib.sha256(str(entry.shape).encode() + entry[()].astype("<f4").tobytes()).hexdigest())

    with h5py.File(file, "r") as content:
        content.visititems(note)
    return hashlib.sha256("".join(sorted(digests)).encode()).hexdigest()


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
