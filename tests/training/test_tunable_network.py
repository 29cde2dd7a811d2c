"""The network parted for fine-tuning, of every family, held against the whole."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.computation.fine_tuning.tuned_backbone import prepare_backbone
from customvision.vision.artifacts import BackboneArtifact
from customvision.vision.trunk import Trunk

SCRIPT = Path(__file__).with_name("tunable_networks.py")
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": ""}
# The last frozen layer of each network, and the shape of what it gives.
CUTS = {
    "mobilenet_v1_0.25_64": ("conv_pw_11_relu", (4, 4, 128)),
    "mobilenet_v2_0.35_96": ("block_12_add", (6, 6, 32)),
    "mobilenet_v2_1.0_64": ("block_12_add", (4, 4, 96)),
    "mobilenet_v3_large_0.75_64": ("expanded_conv_11_add", (4, 4, 88)),
    "mobilenet_v3_small_0.75_64": ("expanded_conv_7_add", (4, 4, 40)),
}


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


@pytest.mark.parametrize("name", CUTS)
def test_tuned_network_is_made_ready(parted: Path, tmp_path: Path, name: str) -> None:
    """A network whose last part has changed answers the same once it was saved and made ready to run."""
    like = PreparedBackbone(
        backbone_id="other",
        architecture=name,
        weights_source="built_in",
        backbone_sha256="0" * 64,
        weights_sha256="0" * 64,
        folder=str(tmp_path),
    )
    prepared = prepare_backbone(parted / name / "tuned.weights.h5", tmp_path / "prepared", like)
    assert (prepared.architecture, prepared.weights_source) == (name, "built_in")
    artifact = BackboneArtifact.from_bytes(prepared.backbone_file.read_bytes())
    with tempfile.TemporaryDirectory() as folder:
        trunk = Trunk.load(*artifact.write_model(Path(folder)))
    with np.load(parted / name / "answers.npz") as answers:
        features = np.stack([trunk.embed(picture) for picture in answers["pictures"]])
        logits = features @ answers["weights"] + answers["bias"]
        assert np.abs(logits - answers["logits"]).max() < 1e-3 * np.abs(answers["logits"]).max()
