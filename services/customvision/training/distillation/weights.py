"""A trained student as a small weights file that the services read."""

import tempfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from customvision.training.backbones.architectures import MOBILENET_V2, Architecture
from customvision.training.backbones.network import bare_network, save_network
from customvision.training.backbones.weights_file import LEVELS_AND_SPREAD


def save_student(student: Any, width: float, input_size: int, file: Path) -> None:
    """Writes the weights of ``student``, rounded to float16, as those of Keras' MobileNetV2 of that width and size."""
    network = bare_network(Architecture(MOBILENET_V2, width, input_size))
    network.set_weights(student.get_weights())
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        full, small = Path(folder) / "full.weights.h5", Path(folder) / "small.weights.h5"
        save_network(network, full, LEVELS_AND_SPREAD)
        _round(full, small)
        small.rename(file)


def _round(source: Path, target: Path) -> None:
    """Copies a weights file with every array as float16."""
    # In the older layout, which is the default, headers take as much as a fifth of a small network.
    with h5py.File(source, "r") as full, h5py.File(target, "w", libver="latest") as small:
        small.attrs.update(full.attrs)

        def copy(name: str, entry: h5py.Group | h5py.Dataset) -> None:
            if isinstance(entry, h5py.Dataset):
                copied = small.create_dataset(name, data=entry[()].astype(np.float16))
            else:
                copied = small.require_group(name)
            copied.attrs.update(entry.attrs)

        full.visititems(copy)
