"""The networks that backbones can be, held against Keras itself."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from customvision.training.backbones.architectures import (
    DEFAULT,
    FAMILIES,
    Architecture,
    ArchitectureUnknown,
    architecture_of,
)
from customvision.training.backbones.weights_file import WeightsUnusable, read_shape, write_notes
from customvision.vision.artifacts import BackboneArtifact
from customvision.vision.trunk import Trunk

SCRIPT = Path(__file__).with_name("keras_networks.py")
OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": ""}
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
    """Weights with a classifier on top tell for how many classes; what is prepared from them has none."""
    folder = keras_folder / family.name  # type: ignore[attr-defined]
    assert read_shape(folder / "full.weights.h5").classes == 7
    assert read_shape(folder / "prepared" / "backbone.weights.h5").classes is None


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
    write_notes(file, input_size=224, inner_scales=(1.0, 1.0, 1.0))
    with pytest.raises(WeightsUnusable, match="inner scales"):
        read_shape(file)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_backbones_answer_like_keras(keras_folder: Path, family: object) -> None:
    """What runs, and what exports are made from, give the features that Keras' own network gives from its own input.

    They are prepared from weights with a classifier; weights without one give the same.
    """
    folder = keras_folder / family.name  # type: ignore[attr-defined]
    arrays = np.load(folder / "features.npz")
    artifact = BackboneArtifact.from_bytes((folder / "prepared" / "backbone.zip").read_bytes())
    with tempfile.TemporaryDirectory() as files:
        trunk = Trunk.load(*artifact.write_model(Path(files)), threads=1)
    served = np.stack([trunk.embed(picture) for picture in arrays["pictures"]])
    largest = np.abs(arrays["keras"]).max()
    # Pictures must matter, or anything would be like anything.
    assert np.ptp(arrays["keras"], axis=0).max() > 0.01 * largest > 0
    assert np.abs(served - arrays["keras"]).max() < TOLERANCE * largest
    for exported in (arrays["prepared"], arrays["bare"]):
        assert np.abs(exported - arrays["keras"]).max() < TOLERANCE * largest
