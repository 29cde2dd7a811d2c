"""What is known beforehand of a network whose file does not tell it: found by the network's arrays."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from customvision.common.settings import Settings
from customvision.training.backbones import known_nuisances
from customvision.training.backbones.known_nuisances import known_file, place_nuisances
from customvision.training.backbones.nuisances import NO_NUISANCES, Nuisances, measured
from customvision.training.backbones.preparation import BackbonePreparation
from customvision.training.backbones.prepared import NUISANCES_FILE, WEIGHTS_FILE
from customvision.training.backbones.weights_file import (
    LEVELS,
    LEVELS_AND_SPREAD,
    network_digest,
    read_nuisances,
    write_notes,
    write_nuisances,
)


def weights_file(file: Path, *arrays: np.ndarray, group: str = "layers") -> Path:
    """Writes a weights file with ``arrays``."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(file, "w") as content:
        for number, array in enumerate(arrays):
            content[f"{group}/{number}"] = array
    return file


@pytest.fixture
def nuisances() -> Nuisances:
    """Some nuisances."""
    return measured(np.random.default_rng(0).normal(0, 1, (50, 4, 6)).astype(np.float32), [6])


def test_digest_is_of_the_arrays_alone(tmp_path: Path, nuisances: Nuisances) -> None:
    """Arrays have the same digest whatever they are called, in whatever order and precision that holds them, and
    whatever was measured of them; others, or of another shape, have another."""
    first, second = np.arange(6, dtype=np.float32).reshape(2, 3), np.ones(4, np.float32)
    file = weights_file(tmp_path / "a.h5", first, second)
    digest = network_digest(file)
    assert network_digest(weights_file(tmp_path / "b.h5", second, first.astype(np.float16), group="other")) == digest
    write_nuisances(file, nuisances)
    assert network_digest(file) == digest
    assert network_digest(weights_file(tmp_path / "c.h5", first + 1, second)) != digest
    assert network_digest(weights_file(tmp_path / "d.h5", first.T.copy(), second)) != digest
    assert network_digest(weights_file(tmp_path / "e.h5", first)) != digest


def test_files_word_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nuisances: Nuisances) -> None:
    """Beside weights lie the nuisances that their file tells, else those that came with the package, else none."""
    monkeypatch.setattr(known_nuisances, "FOLDER", tmp_path / "known")
    weights = weights_file(tmp_path / "prepared" / WEIGHTS_FILE, np.ones(3, np.float32))
    placed = tmp_path / "prepared" / NUISANCES_FILE
    place_nuisances(weights.parent)
    assert not placed.exists()
    known = known_file(network_digest(weights))
    known.parent.mkdir()
    known.write_bytes(nuisances.to_bytes())
    place_nuisances(weights.parent)
    assert placed.read_bytes() == nuisances.to_bytes()
    placed.unlink()
    own = measured(np.random.default_rng(1).normal(0, 1, (50, 4, 6)).astype(np.float32), [6])
    write_nuisances(weights, own)
    place_nuisances(weights.parent)
    assert placed.read_bytes() == own.to_bytes()
    # What is there is not written anew, unless it is damaged.
    written = placed.stat().st_mtime_ns
    place_nuisances(weights.parent)
    assert placed.stat().st_mtime_ns == written
    placed.write_bytes(own.to_bytes()[:-200])
    place_nuisances(weights.parent)
    assert placed.read_bytes() == own.to_bytes()
    assert sorted(file.name for file in weights.parent.iterdir()) == sorted([WEIGHTS_FILE, NUISANCES_FILE])


def test_imagenets_are_known(shared: Path) -> None:
    """Of Keras' ImageNet MobileNetV2 1.0, all of whose features they are of, nuisances come with the package."""
    weights = shared / "weights" / "mobilenet_v2_1.0_224_no_top.weights.h5"
    assert Nuisances.load(known_file(network_digest(weights))).feature_count == 3712


def test_what_is_measured_again_replaces_what_was(tmp_path: Path, nuisances: Nuisances) -> None:
    """A weights file tells the newest measure."""
    weights = weights_file(tmp_path / WEIGHTS_FILE, np.ones(3, np.float32))
    write_nuisances(weights, measured(np.random.default_rng(1).normal(0, 1, (50, 4, 9)).astype(np.float32), [4, 5]))
    write_nuisances(weights, nuisances)
    assert len(read_nuisances(weights).levels) == 1
    write_nuisances(weights, NO_NUISANCES)
    assert read_nuisances(weights) == NO_NUISANCES


def test_nuisances_of_other_features_leave_the_file(tmp_path: Path, nuisances: Nuisances) -> None:
    """A note that says anew what it said keeps what was measured; one that asks for other features does not."""
    weights = weights_file(tmp_path / WEIGHTS_FILE, np.ones(3, np.float32))
    write_nuisances(weights, nuisances)
    write_notes(weights, input_size=160, features=LEVELS)
    write_notes(weights, input_size=96, features=LEVELS)
    assert read_nuisances(weights).feature_count == nuisances.feature_count
    write_notes(weights, input_size=96, features=LEVELS_AND_SPREAD)
    assert read_nuisances(weights) == NO_NUISANCES


async def test_backbone_that_an_older_version_prepared_learns_of_them(prepared_settings: Settings) -> None:
    """A prepared backbone without nuisances gets them when it is asked for; it stays what it is otherwise."""
    before = await BackbonePreparation(prepared_settings).backbone()
    kept = before.nuisances_file.read_bytes()
    made = before.backbone_file.stat().st_mtime_ns
    before.nuisances_file.unlink()
    assert await BackbonePreparation(prepared_settings).backbone() == before
    assert before.nuisances_file.read_bytes() == kept
    assert before.backbone_file.stat().st_mtime_ns == made
