"""The network parted for fine-tuning, of every family, held against the whole."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino
import pytest

from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.computation.fine_tuning.tuned_backbone import prepare_backbone
from customvision.vision.artifacts import BackboneArtifact
from customvision.vision.network_parts import compact
from customvision.vision.network_parts import parted as parted_network
from customvision.vision.trunk import Stem, Trunk

pytestmark = pytest.mark.long

SCRIPT = Path(__file__).with_name("tunable_networks.py")
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": ""}
BASE = "mobilenet_v2_1.0_64"
# The last frozen layer of each network, and the shape of what it gives.
CUTS = {
    "mobilenet_v1_0.25_64": ("conv_pw_11_relu", (4, 4, 128)),
    "mobilenet_v2_0.35_64": ("block_12_add", (4, 4, 32)),
    "mobilenet_v2_1.0_64": ("block_12_add", (4, 4, 96)),
    "mobilenet_v3_large_0.75_64": ("expanded_conv_11_add", (4, 4, 88)),
    "mobilenet_v3_small_0.75_64": ("expanded_conv_7_add", (4, 4, 40)),
}
NARROW, NARROW_CUT = "mobilenet_v2_0.35_96", ("block_12_add", (6, 6, 32))


@pytest.fixture(scope="module")
def parted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What tunable_networks.py writes."""
    folder = tmp_path_factory.mktemp("parted")
    command = [sys.executable, str(SCRIPT), str(folder)]
    outcome = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **QUIET}, timeout=600)
    assert outcome.returncode == 0, outcome.stderr
    return folder


@pytest.mark.parametrize("name", CUTS)
def test_parts_are_the_whole(parted: Path, name: str) -> None:
    """A network is parted after a narrow layer before its smallest maps, and both parts give what the whole gives."""
    layer, shape, tunable = json.loads((parted / "cuts.json").read_text())[name]
    assert (layer, tuple(shape)) == CUTS[name]
    assert tunable > 4
    with np.load(parted / name / "answers.npz") as answers:
        assert answers["difference"] < 1e-5 * max(1.0, np.abs(answers["logits"]).max())


def test_narrow_networks_are_parted_alike(parted: Path) -> None:
    """A network of another width, and for other pictures, is parted after the same layer."""
    layer, shape, tunable = json.loads((parted / "cuts.json").read_text())[NARROW]
    assert (layer, tuple(shape)) == NARROW_CUT
    assert tunable > 4


def test_courses_do_not_learn_from_one_another(parted: Path) -> None:
    """A course on a network that has learned before comes to what the first one came to."""
    with np.load(parted / "courses.npz") as outcomes:
        assert np.abs(outcomes["first"] - outcomes["untuned"]).max() > 1e-5
        assert np.abs(outcomes["second"] - outcomes["first"]).max() < 1e-7


@pytest.fixture(scope="module")
def base(parted: Path, prepared_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> PreparedBackbone:
    """What one of the networks was before its last part changed, made ready to run."""
    (built_in,) = prepared_folder.rglob("backbone.json")
    like = PreparedBackbone("", "", "built_in", "0" * 64, "0" * 64, folder=str(built_in.parent))
    return prepare_backbone(parted / BASE / "own.weights.h5", tmp_path_factory.mktemp("base"), like)


@pytest.mark.parametrize("name", CUTS)
def test_tuned_network_is_made_ready(parted: Path, base: PreparedBackbone, tmp_path: Path, name: str) -> None:
    """A network whose last part has changed answers the same once it was saved and made ready to run, as a whole and in
    parts; and the artifact names where it ceases to be the network that it was."""
    like = replace(base, backbone_id="other", architecture=name)
    prepared = prepare_backbone(parted / name / "tuned.weights.h5", tmp_path / "prepared", like)
    assert (prepared.architecture, prepared.weights_source) == (name, "built_in")
    artifact = BackboneArtifact.from_bytes(prepared.backbone_file.read_bytes())
    with tempfile.TemporaryDirectory() as folder:
        trunk = Trunk.load(*artifact.write_model(Path(folder)))
    with np.load(parted / name / "answers.npz") as answers:
        features = np.stack([trunk.embed(picture) for picture in answers["pictures"]])
        logits = features @ answers["weights"] + answers["bias"]
        assert np.abs(logits - answers["logits"]).max() < 1e-3 * np.abs(answers["logits"]).max()
        if name == BASE:
            _check_parts(artifact, answers["pictures"], features)
        else:
            assert artifact.frozen_outputs == ()


def _check_parts(artifact: BackboneArtifact, pictures: np.ndarray, features: np.ndarray) -> None:
    """Holds stem and tail against the whole network, and asserts that the tail is the smaller part of the work."""
    assert artifact.frozen_outputs
    with tempfile.TemporaryDirectory() as folder:
        network = openvino.Core().read_model(*artifact.write_model(Path(folder)))
    layers = _convolutions(network)
    parts = parted_network(network, artifact.frozen_outputs)
    assert 0 < _convolutions(parts.tail) < layers / 3
    assert _convolutions(parts.stem) + _convolutions(parts.tail) == layers
    trunk = Trunk(compact(parts.tail), Stem(compact(parts.stem)))
    assert np.abs(np.stack([trunk.embed(picture) for picture in pictures]) - features).max() < 1e-4


def _convolutions(network: openvino.Model) -> int:
    return sum(op.get_type_name() in ("Convolution", "GroupConvolution") for op in network.get_ops())
