"""Keras networks as ONNX, run by ONNX Runtime; Keras stays out of the tests' own process."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

PRELUDE = """
import sys
from pathlib import Path
import keras, numpy as np, onnx
from keras import applications, layers
from customvision.training.backbones.architectures import architecture_of
from customvision.training.backbones.network import _with_scaled_features, with_levels, with_pixels_in
from customvision.training.export.formats import NetworkUnknown
from customvision.training.export.formats.onnx_network import onnx_network

folder = Path(sys.argv[1])
keras.utils.set_random_seed(0)
generator = np.random.default_rng(0)
about = dict(include_top=False, weights=None, pooling="avg", input_shape=(96, 96, 3))

RANGES = {"gamma": (1, 2), "beta": (-0.3, 0.3), "bias": (-0.3, 0.3), "moving_mean": (-0.1, 0.1),
          "moving_variance": (0.1, 0.5)}

def classifier(backbone):
    network = with_pixels_in(backbone)
    network = keras.Model(network.input, layers.Dense(3)(network.output))
    for variable in network.variables:
        # A fresh network hides much: shifts and means are 0, variances 1.
        if variable.name in RANGES:
            variable.assign(generator.uniform(*RANGES[variable.name], variable.shape))
    return network

def of_levels(network, name):
    return classifier(with_levels(network, architecture_of(name)))
"""
COMPARE = """
pixels = generator.uniform(0, [[[[255]]], [[[80]]]], (2, 96, 96, 3)).astype("float32")
np.savez(folder / "case.npz", pixels=pixels, answers=network.predict(pixels, verbose=0))
onnx.save_model(onnx_network(network), folder / "model.onnx")
"""
REFUSAL = """
try:
    onnx_network(network)
except NetworkUnknown as error:
    (folder / "refusal.txt").write_text(str(error))
"""


def run(program: str, folder: Path) -> None:
    """Runs a program with Keras in a process of its own."""
    command = [sys.executable, "-c", PRELUDE + program, str(folder)]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize(
    "network",
    [
        "of_levels(applications.MobileNet(alpha=0.25, **about), 'mobilenet_v1_0.25_96')",
        "of_levels(applications.MobileNetV2(alpha=0.35, **about), 'mobilenet_v2_0.35_96')",
        "classifier(_with_scaled_features(applications.MobileNetV2(alpha=0.35, **about), [0.5, 2.0, 3.0]))",
        "classifier(applications.MobileNetV3Small(include_preprocessing=False, **about))",
        "classifier(applications.MobileNetV3Large(alpha=0.75, include_preprocessing=True, **about))",
    ],
    ids=["MobileNet", "MobileNetV2", "MobileNetV2 of an older version", "MobileNetV3Small", "MobileNetV3Large"],
)
def test_every_kind_of_mobilenet_becomes_onnx(network: str, tmp_path: Path) -> None:
    """ONNX Runtime answers what Keras answers, for any number of pictures at once."""
    import onnxruntime

    run(f"network = {network}\n{COMPARE}", tmp_path)
    case = np.load(tmp_path / "case.npz")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    # Random weights tell pictures apart by little: what counts is how much of that is kept.
    spread = np.abs(case["answers"][0] - case["answers"][1]).max()
    assert spread > 1e-5
    for pixels, answers in ((case["pixels"], case["answers"]), (case["pixels"][:1], case["answers"][:1])):
        assert session.run(["probabilities"], {"pixels": pixels})[0] == pytest.approx(answers, abs=float(spread) / 50)


def test_what_is_black_has_features_of_zero(tmp_path: Path) -> None:
    """What has no length stays zero when it is scaled to length 1: nothing is divided by it."""
    import onnxruntime

    network = "keras.Model(pixels, layers.UnitNormalization()(layers.GlobalAveragePooling2D()(pixels)))"
    save = 'onnx.save_model(onnx_network(network), folder / "model.onnx")'
    run(f"pixels = keras.Input((8, 8, 3))\nnetwork = {network}\n{save}", tmp_path)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    pixels = np.zeros((2, 8, 8, 3), np.float32)
    pixels[1] = (3, 0, 4)
    found = session.run(["probabilities"], {"pixels": pixels})[0]
    assert found == pytest.approx(np.array([[0, 0, 0], [0.6, 0, 0.8]]))


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        ("layers.MaxPooling2D()", "MaxPooling2D"),
        ("layers.Activation('selu')", "selu"),
        ("layers.UnitNormalization(axis=1)", "unit_normalization"),
    ],
)
def test_what_onnx_files_cannot_hold_is_named(layer: str, named: str, tmp_path: Path) -> None:
    """A layer that is not translated is refused by its name; none is left out in silence."""
    run(f"pixels = keras.Input((96, 96, 3))\nnetwork = keras.Model(pixels, {layer}(pixels))\n{REFUSAL}", tmp_path)
    assert named in (tmp_path / "refusal.txt").read_text()
