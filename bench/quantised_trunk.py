"""The product's trunk in 8-bit integers, quantised by NNCF on drawn pictures: what the service decided against."""

import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from embedded_photos import prepared_backbone
from PIL import Image

from customvision.training.distillation.drawn_pictures import draw_picture
from customvision.vision.trunk import Trunk

CALIBRATION_PICTURES = 300
# Bits of a weight. Processors without VNNI add two products in 16 bits, which eight bits can overflow and seven cannot.
FULL, SAFE = 8, 7


def quantised_trunk(weights_file: Path, folder: Path, weight_bits: int) -> Trunk:
    """Prepares the weights in ``weights_file`` as the product does, quantises what comes of it, and loads that."""
    with tempfile.TemporaryDirectory() as files:
        model = openvino.Core().read_model(*prepared_backbone(weights_file, folder).write_model(Path(files)))
        quantised = _quantised(model, weight_bits)
    final = folder / f"int8-{weight_bits}.xml"
    openvino.save_model(quantised, str(final), compress_to_fp16=False)
    return Trunk.load(final, final.with_suffix(".bin"))


def _quantised(model: Any, weight_bits: int) -> Any:
    # It would tell its makers of its use, over the internet.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import nncf
    from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters, OverflowFix

    nncf.set_log_level(logging.ERROR)
    pictures = _pictures(int(model.input(0).shape[1]))
    everywhere = weight_bits == SAFE
    return nncf.quantize(
        model,
        nncf.Dataset([picture[np.newaxis] for picture in pictures]),
        subset_size=len(pictures),
        preset=nncf.QuantizationPreset.MIXED,
        target_device=nncf.TargetDevice.CPU,
        advanced_parameters=AdvancedQuantizationParameters(
            overflow_fix=OverflowFix.ENABLE if everywhere else OverflowFix.FIRST_LAYER
        ),
    )


def _pictures(size: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    drawn = [draw_picture(random) for _ in range(CALIBRATION_PICTURES)]
    return [np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR)) for picture in drawn]
