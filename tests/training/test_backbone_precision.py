"""The precision of backbones: f32, or int8 where the setting asks for it and the quantiser is installed."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino
import pytest
from openvino import opset13 as operations

from customvision.common.errors import ConfigurationError
from customvision.common.settings import Settings
from customvision.training.backbones.backbone_id import backbone_id_of, same_but_for_precision
from customvision.training.backbones.preparation import BackbonePreparation
from customvision.training.backbones.quantisation import calibration_pictures, quantised
from customvision.vision.artifacts import F32, BackboneArtifact
from customvision.vision.trunk import Trunk

SIDE, FEW = 32, 16


def named(precision: str, weights: str = "w") -> str:
    """Returns the id of a backbone."""
    return backbone_id_of("net", features="levels-1", preprocessing="squash", precision=precision, weights=weights)


def test_precision_is_part_of_a_backbones_name() -> None:
    """Backbones of other precisions have other ids, so that features never mix, and are known to be one network."""
    assert named("f32") != named("int8-1")
    assert same_but_for_precision(named("f32"), named("int8-1"))
    assert same_but_for_precision(named("f32"), named("f32"))
    assert not same_but_for_precision(named("f32"), named("f32", weights="others"))
    # What tests and fine-tuning of older versions named otherwise.
    assert not same_but_for_precision("old", "new")


def test_a_missing_quantiser_stops_the_start(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """int8 without the package that quantises is a mistake in the setting, said in a sentence with the remedy."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    BackbonePreparation(settings)
    with pytest.raises(ConfigurationError, match=r"CUSTOMVISION_BACKBONE_PRECISION is int8.*customvision\[int8\]"):
        BackbonePreparation(replace(settings, backbone_precision="int8"))


def test_a_quantised_network_computes_in_int8(tmp_path: Path) -> None:
    """Quantised by drawn pictures, a network multiplies integers, and its features stay close to what they were."""
    pytest.importorskip("nncf", reason="NNCF is not installed (the extra 'int8')")
    network, pictures = small_network(), calibration_pictures(SIDE, FEW)
    smaller = quantised(network, pictures)
    ours, theirs = (trunk_of(model, tmp_path) for model in (smaller, network))
    asked = [trunk.embed(picture) for trunk in (ours, theirs) for picture in pictures]
    apart = np.abs(np.array(asked[:FEW]) - np.array(asked[FEW:])).mean()
    assert 0 < apart < 0.03
    steps = [step.get_rt_info() for step in compiled(smaller).get_runtime_model().get_ops()]
    kinds = {step["runtimePrecision"].astype(str) for step in steps if step["layerType"].astype(str) == "Convolution"}
    assert kinds <= {"i8", "u8"}
    assert kinds


def small_network() -> openvino.Model:
    """Returns two convolutions and what pools them: uint8[1, 32, 32, 3] to float32[1, 8], about 0 to 1."""
    random = np.random.default_rng(0)
    pixels = operations.parameter([1, SIDE, SIDE, 3], np.uint8)
    scaled = operations.divide(operations.convert(pixels, "f32"), operations.constant(np.float32(255)))
    maps = operations.transpose(scaled, operations.constant(np.array([0, 3, 1, 2])))
    for inputs in (3, 8):
        kernel = operations.constant(random.uniform(0, 2 / inputs / 9, (8, inputs, 3, 3)).astype(np.float32))
        maps = operations.relu(operations.convolution(maps, kernel, [2, 2], [1, 1], [1, 1], [1, 1]))
    pooled = operations.reduce_mean(maps, operations.constant(np.array([2, 3])), keep_dims=False)
    return openvino.Model([pooled], [pixels], "small")


def trunk_of(model: openvino.Model, folder: Path) -> Trunk:
    """Returns a model as it is served."""
    openvino.save_model(model, folder / "trunk.xml", compress_to_fp16=False)
    return Trunk.load(folder / "trunk.xml", folder / "trunk.bin", threads=1)


def compiled(model: openvino.Model) -> openvino.CompiledModel:
    """Returns a model as OpenVINO runs it."""
    return openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})


def test_calibration_pictures_are_always_the_same() -> None:
    """Whoever quantises equal weights has equal pictures to do it with, of the size that the network takes."""
    first, second = calibration_pictures(SIDE, FEW), calibration_pictures(SIDE, FEW)
    assert len(first) == FEW
    assert {picture.shape for picture in first} == {(SIDE, SIDE, 3)}
    assert np.array_equal(first, second)


async def test_precision_of_what_is_prepared(prepared_settings: Settings) -> None:
    """What is made ready without a setting is in f32 and says so in its id."""
    backbone = await BackbonePreparation(prepared_settings).backbone()
    assert "/f32/" in backbone.backbone_id
    assert BackboneArtifact.from_bytes(backbone.backbone_file.read_bytes()).precision == F32
