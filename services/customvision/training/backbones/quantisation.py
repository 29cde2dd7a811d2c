"""The trunk in 8-bit integers: quantised by NNCF and calibrated on drawn pictures, for no photos are there yet."""

import importlib.metadata
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

# NNCF would tell its makers of its use, as OpenVINO would.
from customvision.common import no_telemetry as no_telemetry
from customvision.training.backbones.drawn_pictures import draw_picture
from customvision.vision.artifacts import F32, INT8
from customvision.vision.decoding import RgbPixels

# The name of how a trunk is quantised: part of a backbone's identity, changed whenever its features could.
RECIPE = "drawn-1"
CALIBRATION_PICTURES = 300


def precision_name(precision: str) -> str:
    """Returns what a backbone's id says of its precision: equal names give equal networks of equal weights."""
    return F32 if precision == F32 else f"{INT8}-{RECIPE}-nncf-{importlib.metadata.version('nncf')}"


def quantised(model: Any, pictures: Sequence[RgbPixels]) -> Any:
    """Returns an OpenVINO model (``uint8[1, size, size, 3]`` in) whose convolutions multiply 8-bit integers.

    ``pictures`` uint8[size, size, 3] show what values come about between its layers.
    """
    import nncf
    from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters, OverflowFix

    nncf.set_log_level(logging.ERROR)
    return nncf.quantize(
        model,
        nncf.Dataset([picture[np.newaxis] for picture in pictures]),
        subset_size=len(pictures),
        preset=nncf.QuantizationPreset.MIXED,
        target_device=nncf.TargetDevice.CPU,
        # Processors without VNNI add products in 16 bits, and 7-bit weights keep them from overflowing there.
        advanced_parameters=AdvancedQuantizationParameters(overflow_fix=OverflowFix.ENABLE),
    )


def calibration_pictures(size: int, count: int = CALIBRATION_PICTURES) -> list[RgbPixels]:
    """Returns ``count`` drawn pictures, uint8[size, size, 3] each, always the same."""
    random = np.random.default_rng(0)
    drawn = [draw_picture(random) for _ in range(count)]
    return [np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR)) for picture in drawn]
