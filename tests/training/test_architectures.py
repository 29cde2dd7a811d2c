"""The networks that backbones can be, held against Keras itself."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import openvino
import pytest

from customvision.common.settings import Settings
from customvision.training.backbones.architectures import (
    DEFAULT,
    FAMILIES,
    MOBILENET_V2,
    Architecture,
    ArchitectureUnknown,
    Family,
    architecture_of,
)
from customvision.training.backbones.preparation import BackbonePreparation
from customvision.training.backbones.weights_file import LEVELS, WeightsUnusable, read_shape, write_notes
from customvision.vision.artifacts import BackboneArtifact
from customvision.vision.trunk import Trunk

pytestmark = pytest.mark.long

SCRIPT = Path(__file__).with_name("keras_networks.py")
OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": ""}
FILES = ("full.weights.h5", "bare.weights.h5", "legacy.h5")
NETWORKS = [Architecture(family, width, 224) for family in FAMILIES for width in family.widths]
NAMES = (
    "mobilenet_v2_1.0_224",
    "mobilenet_v2_1.4_224",
    "mobilenet_v2_0.35_224",
    "mobilenet_v1_1.0_224",
    "mobilenet_v3_large_1.0_224",
    "mobilenet_v3_small_1.0_224",
)
# Relative to the largest feature: float32, summed in another order by another runtime.
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def keras_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What keras_networks.py writes."""
    folder = tmp_path_factory.mktemp("keras")
    command = [sys.executable, str(SCRIPT), str(folder)]
    outcome = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **QUIET}, timeout=600)
    assert outcome.returncode == 0, outcome.stderr
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_names_are_read(name: str) -> None:
    """A domain's network is found by its name, and is called so again."""
    assert architecture_of(name).name == name


def test_operators_are_told_what_to_fetch() -> None:
    """The page for operators names, for each domain's network, the file that Keras publishes."""
    page = OPERATIONS.read_text()
    server = "https://storage.googleapis.com/tensorflow/keras-applications/"
    assert f"They begin with `{server}`" in page
    for name in NAMES:
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}`"))
        assert architecture_of(name).keras_url == server + row.split("`")[3]


def test_default_is_the_usual_mobilenet() -> None:
    """Where nothing is chosen it is MobileNetV2 of full width."""
    assert architecture_of("mobilenet_v2_1.0_224") == DEFAULT


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("resnet_50_1.0_224", "the families are mobilenet_v1, mobilenet_v2, mobilenet_v3_large, mobilenet_v3_small"),
        ("", "the families are"),
        ("mobilenet_v2_1.0_224_inner", "the families are"),
        ("mobilenet_v2_1_224", "the families are"),
        ("mobilenet_v3_small_0.35_224", "has no width 0.35; it has 1.0, 0.75"),
        ("mobilenet_v2_1.0_100", "multiple of 32"),
        ("mobilenet_v2_1.0_0", "multiple of 32"),
    ],
)
def test_names_of_nothing_are_refused(name: str, told: str) -> None:
    """A name of no network is refused with what there is."""
    with pytest.raises(ArchitectureUnknown, match=told):
        architecture_of(name)


def test_downloads_are_those_of_keras(keras_folder: Path) -> None:
    """For every width, and for an input size that is not the usual one, the download is the one that Keras asks for."""
    asked = json.loads((keras_folder / "asked.json").read_text())
    assert len(asked) == len(NETWORKS) + 2
    for name, (file, url, digest) in asked.items():
        architecture = architecture_of(name)
        assert (architecture.keras_file, architecture.keras_url) == (file, url)
        assert architecture.family.md5.get(architecture.width, "") == digest


def test_unpublished_sizes_have_no_download() -> None:
    """Where Keras publishes no weights of an input size, no address is made up."""
    assert architecture_of("mobilenet_v3_small_1.0_160").keras_url == ""


def test_every_network_is_told_from_its_weights(keras_folder: Path) -> None:
    """Family and width of each of Keras' networks are read from its weights, and no two are taken for one another."""
    for network in NETWORKS:
        shape = read_shape(keras_folder / f"{network.name}.weights.h5")
        assert (shape.network, shape.classes, shape.architecture) == (network, None, network.name)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_classifiers_are_told(keras_folder: Path, family: object) -> None:
    """Weights with a classifier on top tell for how many classes, also in the layout of published files."""
    folder = keras_folder / family.name  # type: ignore[attr-defined]
    assert [read_shape(folder / file).classes for file in FILES] == [7, None, None]


def test_size_is_told_by_the_name_of_a_download(keras_folder: Path, tmp_path: Path) -> None:
    """A file under the name that Keras publishes it by is for the input size in that name; a note comes before it."""
    architecture = architecture_of("mobilenet_v1_0.5_128")
    file = tmp_path / architecture.keras_file
    shutil.copy(keras_folder / "mobilenet_v1_0.5_224.weights.h5", file)
    assert read_shape(file).network == architecture
    write_notes(file, input_size=192)
    assert read_shape(file).input_size == 192


def test_inner_features_are_of_mobilenet_v2_only(keras_folder: Path, tmp_path: Path) -> None:
    """A note of inner features in the weights of another network is refused."""
    file = Path(shutil.copy(keras_folder / "mobilenet_v3_small_1.0_224.weights.h5", tmp_path / "small.h5"))
    with h5py.File(file, "r+") as content:
        content.attrs["customvision_inner_scales"] = (1.0, 1.0, 1.0)
    with pytest.raises(WeightsUnusable, match="inner scales"):
        read_shape(file)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_exports_answer_like_keras(keras_folder: Path, family: object) -> None:
    """What exports are made from gives, from bytes of pixels, the features that Keras' own network gives.

    Those are pooled at each depth and scaled to length 1.
    """
    arrays = np.load(keras_folder / family.name / "features.npz")  # type: ignore[attr-defined]
    # Pictures must matter, or anything would be like anything.
    assert np.ptp(arrays["keras"], axis=0).max() > 0.01 * np.abs(arrays["keras"]).max() > 0
    for file in FILES:
        assert difference(arrays[file], arrays["keras"]) < TOLERANCE


def test_spread_is_told_beside_the_mean(keras_folder: Path) -> None:
    """A file that asks for it gives, after the mean of each inner map, how far its places lie from that mean."""
    arrays = np.load(keras_folder / "mobilenet_v2" / "spread.npz")
    assert np.ptp(arrays["keras"], axis=0).max() > 0.01 * np.abs(arrays["keras"]).max() > 0
    assert difference(arrays["exported"], arrays["keras"]) < TOLERANCE


def test_files_of_older_versions_keep_their_features(keras_folder: Path) -> None:
    """Heads of older versions go on to be exported on the features that they were trained on.

    New notes in such a file, once it is made ready again, ask for the features of this version.
    """
    arrays = np.load(keras_folder / "mobilenet_v2" / "older.npz")
    assert difference(arrays["without_notes"], arrays["last"]) < TOLERANCE
    assert difference(arrays["scaled"], arrays["all_levels"]) < TOLERANCE
    file = keras_folder / "mobilenet_v2" / "scaled.weights.h5"
    assert read_shape(file).features == ""
    write_notes(file, input_size=64)
    assert read_shape(file).features == LEVELS


@pytest.mark.parametrize(
    ("family", "file"),
    # Whose layout is the older one is read in one way for all families.
    [*((family, "full.weights.h5") for family in FAMILIES), (MOBILENET_V2, "legacy.h5")],
    ids=lambda value: getattr(value, "name", value),
)
async def test_backbones_answer_like_keras(keras_folder: Path, settings: Settings, family: Family, file: str) -> None:
    """What training and prediction run gives the features that Keras' own network gives, and is as wide and small.

    The weights that are kept beside it are those of the network without a classifier.
    """
    folder = keras_folder / family.name
    preparation = BackbonePreparation(replace(settings, backbone_weights=folder / file))
    backbone = await preparation.backbone()
    assert backbone.architecture == read_shape(folder / file).architecture
    artifact = BackboneArtifact.from_bytes(backbone.backbone_file.read_bytes())
    with tempfile.TemporaryDirectory() as files:
        network = openvino.Core().read_model(*artifact.write_model(Path(files)))
        trunk = Trunk(network, threads=1)
        trunk.compile_lone(network, threads=2)
    arrays = np.load(folder / "features.npz")
    assert (trunk.input_size, trunk.feature_count) == (artifact.input_size, artifact.feature_count)
    assert (artifact.input_size, artifact.feature_count) == (arrays["pictures"].shape[1], arrays["keras"].shape[1])
    found = np.stack([trunk.embed(picture) for picture in arrays["pictures"]])
    assert difference(found, arrays["keras"]) < TOLERANCE
    # Training embeds many at once, prediction also one alone: what they make of an image must be the same.
    assert np.array_equal(np.stack([trunk.embed(picture, alone=True) for picture in arrays["pictures"]]), found)
    kept, bare = arrays_of(backbone.weights_file), arrays_of(folder / "bare.weights.h5")
    assert kept.keys() == bare.keys()
    assert all(np.array_equal(kept[name], bare[name]) for name in bare)


def difference(found: npt.NDArray[np.float32], wanted: npt.NDArray[np.float32]) -> float:
    """Returns how far features differ, in parts of the largest."""
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def arrays_of(file: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Returns the arrays of a weights file by their place in it."""
    arrays = {}

    def note(name: str, entry: object) -> None:
        if isinstance(entry, h5py.Dataset):
            arrays[name] = entry[()]

    with h5py.File(file, "r") as content:
        content.visititems(note)
    return arrays
