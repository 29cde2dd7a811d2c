"""A trained student as a small weights file that the services read."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from customvision.training.backbones.architectures import MOBILENET_V2, Architecture
from customvision.training.backbones.network import bare_network, save_network, with_levels
from customvision.training.backbones.nuisances import Nuisances, measured
from customvision.training.backbones.weights_file import LEVELS_AND_SPREAD, write_nuisances
from customvision.training.distillation.crops import Crops


def save_student(student: Any, width: float, views: Crops, file: Path) -> None:
    """Writes the weights of ``student``, rounded to float16, as those of Keras' MobileNetV2 of that width.

    ``views`` uint8[photos, views, size, size, 3] are what its nuisances are measured on, at the size that it is for.
    """
    architecture = Architecture(MOBILENET_V2, width, views.shape[2])
    network = bare_network(architecture)
    network.set_weights([array.astype(np.float16) for array in student.get_weights()])
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        full, small = Path(folder) / "full.weights.h5", Path(folder) / "small.weights.h5"
        save_network(network, full, LEVELS_AND_SPREAD)
        _round(full, small)
        write_nuisances(small, nuisances_of(with_levels(network, architecture, LEVELS_AND_SPREAD), views))
        small.rename(file)


def nuisances_of(network: Any, views: Iterable[Crops]) -> Nuisances:
    """Returns the nuisances of a network with features of several levels, in ``views`` as save_student's."""
    # As one graph: layer by layer takes three times as long.
    features = [np.asarray(network.predict_on_batch(of_one.astype(np.float32) / 127.5 - 1.0)) for of_one in views]
    sizes = [level.shape[-1] for level in network.layers[-1].input]
    return measured(np.stack(features), sizes)


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
