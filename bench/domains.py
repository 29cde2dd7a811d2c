"""What each network of the domain table costs: one image, one core, beside the figure that the table tells users."""

import time
import warnings
from pathlib import Path
from statistics import median
from typing import Any

import keras
import numpy as np
import openvino
from figures import Figure
from openvino.preprocess import PrePostProcessor

from customvision.project.domain.architecture import Architecture
from customvision.project.domain.domain import DOMAINS
from customvision.training.backbones.network import with_pixels_in
from customvision.vision.trunk import Trunk

TIMED_IMAGES = 200
FAMILIES = {
    "mobilenet_v1": keras.applications.MobileNet,
    "mobilenet_v2": keras.applications.MobileNetV2,
    "mobilenet_v3_large": keras.applications.MobileNetV3Large,
    "mobilenet_v3_small": keras.applications.MobileNetV3Small,
}
# These scale pixels themselves.
SCALING_INSIDE = ("mobilenet_v3_large", "mobilenet_v3_small")


def measure(folder: Path) -> list[Figure]:
    """Builds every network of the table without weights, converts it and times single images."""
    architectures = {domain.architecture.name: domain.architecture for domain in DOMAINS}
    return [_figure(architecture, folder) for architecture in architectures.values()]


def _figure(architecture: Architecture, folder: Path) -> Figure:
    network = _network(architecture.name)
    if network.count_params() != architecture.weight_count:
        raise ValueError(f"{architecture.name} has {network.count_params():,} weights; the table says otherwise")
    milliseconds = _median_seconds(bare_trunk(network, architecture.name, folder)) * 1000
    return Figure(
        f"{architecture.name}, one image on one core",
        f"{milliseconds:.1f} ms",
        baseline=f"the table: {architecture.latency.total_seconds() * 1000:.1f} ms",
    )


def _network(name: str) -> Any:
    """Returns the network that takes pixel values from 0 to 255."""
    family, width, side = name.rsplit("_", 2)
    size = int(side)
    with warnings.catch_warnings(action="ignore"):
        bare = FAMILIES[family](
            alpha=float(width), weights=None, include_top=False, pooling="avg", input_shape=(size, size, 3)
        )
    return bare if family in SCALING_INSIDE else with_pixels_in(bare)


def bare_trunk(network: Any, name: str, folder: Path, threads: int = 1) -> Trunk:
    """Returns a Keras network, which takes pixel values from 0 to 255, compiled as a backbone is."""
    exported, final = folder / f"{name}-exported.xml", folder / f"{name}.xml"
    network.export(str(exported), format="openvino", verbose=False)
    model = openvino.Core().read_model(exported)
    model.reshape([1, *network.input.shape[1:]])
    bytes_in = PrePostProcessor(model)
    bytes_in.input().tensor().set_element_type(openvino.Type.u8)
    openvino.save_model(bytes_in.build(), str(final), compress_to_fp16=False)
    return Trunk.load(final, final.with_suffix(".bin"), threads=threads)


def _median_seconds(trunk: Trunk) -> float:
    pixels = np.random.default_rng(0).integers(0, 256, (trunk.input_size, trunk.input_size, 3), dtype=np.uint8)
    seconds = []
    for _ in range(TIMED_IMAGES):
        started = time.perf_counter()
        trunk.embed(pixels)
        seconds.append(time.perf_counter() - started)
    return median(seconds)
