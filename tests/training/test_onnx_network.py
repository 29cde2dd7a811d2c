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

def of_levels(network, name, features="levels-1"):
    return classifier(with_levels(network, architecture_of(name), features))

def compare(network, folder):
    pixels = generator.uniform(0, [[[[255]]], [[[80]]]], (2, 96, 96, 3)).astype("float32")
    np.savez(folder / "case.npz", pixels=pixels, answers=network(pixels, training=False))
    onnx.save_model(onnx_network(network), folder / "model.onnx")

def refusal(layer, folder):
    pixels = keras.Input((96, 96, 3))
    try:
        onnx_network(keras.Model(pixels, layer(pixels)))
    except NetworkUnknown as error:
        (folder / "refusal.txt").write_text(str(error))
"""
# What each network is compared as, below a folder of that name.
NETWORKS = {
    "MobileNet": "of_levels(applications.MobileNet(alpha=0.25, **about), 'mobilenet_v1_0.25_96')",
    "MobileNetV2": "of_levels(applications.MobileNetV2(alpha=0.35, **about), 'mobilenet_v2_0.35_96')",
    "MobileNetV2 with spread": (
        "of_levels(applications.MobileNetV2(alpha=0.35, **about), 'mobilenet_v2_0.35_96', 'levels-and-spread-1')"
    ),
    "MobileNetV2 of an older version": (
        "classifier(_with_scaled_features(applications.MobileNetV2(alpha=0.35, **about), [0.5, 2.0, 3.0]))"
    ),
    "MobileNetV3Small": "classifier(applications.MobileNetV3Small(include_preprocessing=False, **about))",
    "MobileNetV3Large": "classifier(applications.MobileNetV3Large(alpha=0.75, include_preprocessing=True, **about))",
}
BLACK = """
pixels = keras.Input((8, 8, 3))
network = keras.Model(pixels, layers.UnitNormalization()(layers.GlobalAveragePooling2D()(pixels)))
onnx.save_model(onnx_network(network), folder / "black.onnx")
"""
# Layers that are not translated, and how each is named.
UNTRANSLATED = {
    "MaxPooling2D": "layers.MaxPooling2D()",
    "selu": "layers.Activation('selu')",
    "unit_normalization": "layers.UnitNormalization(axis=1)",
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what one process with Keras writes of all networks and layers: it takes seconds to load."""
    folder = tmp_path_factory.mktemp("onnx")
    for name in (*NETWORKS, *UNTRANSLATED):
        (folder / name).mkdir()
    lines = [f"compare({network}, folder / {name!r})" for name, network in NETWORKS.items()]
    lines += [f"refusal({layer}, folder / {name!r})" for name, layer in UNTRANSLATED.items()]
    command = [sys.executable, "-c", PRELUDE + "\n".join(lines) + BLACK, str(folder)]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert outcome.returncode == 0, outcome.stderr
    return folder


@pytest.mark.parametrize("name", NETWORKS)
def test_every_kind_of_mobilenet_becomes_onnx(name: str, written: Path) -> None:
    """ONNX Runtime answers what Keras answers, for any number of pictures at once."""
    import onnxruntime

    case = np.load(written / name / "case.npz")
    session = onnxruntime.InferenceSession(written / name / "model.onnx", providers=["CPUExecutionProvider"])
    # Random weights tell pictures apart by little: what counts is how much of that is kept.
    spread = np.abs(case["answers"][0] - case["answers"][1]).max()
    assert spread > 1e-5
    for pixels, answers in ((case["pixels"], case["answers"]), (case["pixels"][:1], case["answers"][:1])):
        assert session.run(["probabilities"], {"pixels": pixels})[0] == pytest.approx(answers, abs=float(spread) / 50)


def test_what_is_black_has_features_of_zero(written: Path) -> None:
    """What has no length stays zero when it is scaled to length 1: nothing is divided by it."""
    import onnxruntime

    session = onnxruntime.InferenceSession(written / "black.onnx", providers=["CPUExecutionProvider"])
    pixels = np.zeros((2, 8, 8, 3), np.float32)
    pixels[1] = (3, 0, 4)
    found = session.run(["probabilities"], {"pixels": pixels})[0]
    assert found == pytest.approx(np.array([[0, 0, 0], [0.6, 0, 0.8]]))


@pytest.mark.parametrize("named", UNTRANSLATED)
def test_what_onnx_files_cannot_hold_is_named(named: str, written: Path) -> None:
    """A layer that is not translated is refused by its name; none is left out in silence."""
    assert named in (written / named / "refusal.txt").read_text()
