"""Any number of backbones like those of fine-tuned models: equal up to a layer, their last blocks each different."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import openvino

from customvision.vision.artifacts import BackboneArtifact, pack, unpack
from customvision.vision.network_parts import frozen_outputs

XML, WEIGHTS = "trunk.xml", "trunk.bin"
CONVOLUTIONS = ("Convolution", "GroupConvolution")
# What fine-tuning changes of a weight, about.
CHANGE = 0.02


class TunedBackbones:
    """Made of one artifact of a frozen backbone by changing what a fine-tuning leaves free to learn."""

    def __init__(self, backbone: bytes) -> None:
        self._manifest, self._files = unpack(backbone, kind="backbone")
        base = _network(backbone)
        self._spans = _spans(self._files[XML], _last_weights(base))
        # Where they cease to be equal is the same for all.
        self._manifest["frozen_outputs"] = frozen_outputs(_network(self.variation(0)), base)

    def variation(self, number: int) -> bytes:
        """Returns the n-th backbone's artifact; equal numbers give equal bytes."""
        random = np.random.default_rng(number)
        weights = bytearray(self._files[WEIGHTS])
        for offset, size in self._spans:
            values = np.frombuffer(weights, np.float32, size // 4, offset)
            values *= np.float32(1 + CHANGE * random.standard_normal())
        manifest = {name: value for name, value in self._manifest.items() if name not in ("files", "format_version")}
        manifest["backbone_id"] = f"{manifest['backbone_id']}/tuned-{number}"
        return pack(manifest, {**self._files, WEIGHTS: bytes(weights)})

    def maker(self, number: int) -> "partial[bytes]":
        """Returns what makes the n-th backbone when it is called."""
        return partial(self.variation, number)


def _network(artifact: bytes) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        # Without a copy of the weights it would read a file that is gone.
        core = openvino.Core()
        core.set_property({"ENABLE_MMAP": False})
        return core.read_model(*BackboneArtifact.from_bytes(artifact).write_model(Path(folder)))


def _last_weights(network: Any) -> set[str]:
    """Returns the names of the weights of all convolutions that give the smallest maps, which fine-tuning changes."""
    convolutions = [op for op in network.get_ordered_ops() if op.get_type_name() in CONVOLUTIONS]
    smallest = min(op.output(0).shape[2] for op in convolutions)
    return {
        _constant(op.input_value(1).get_node()).get_friendly_name()
        for op in convolutions
        if op.output(0).shape[2] == smallest
    }


def _constant(op: Any) -> Any:
    """Returns the constant that ``op`` is, or passes on in another shape or type."""
    while op.get_type_name() != "Constant":
        op = op.input_value(0).get_node()
    return op


def _spans(xml: bytes, names: set[str]) -> list[tuple[int, int]]:
    """Returns offset and size in the file of weights of the named constants."""
    layers = ET.fromstring(xml).iter("layer")  # noqa: S314 - our own
    described = [layer.find("data") for layer in layers if layer.get("name") in names]
    return [
        (int(data.attrib["offset"]), int(data.attrib["size"]))
        for data in described
        if data is not None and data.attrib.get("element_type") == "f32"
    ]
