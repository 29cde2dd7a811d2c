"""Makes small real models for tests: an OpenVINO backbone of 32 pixels and heads on it, without Keras."""

import functools
import tempfile
from pathlib import Path

import numpy as np
import openvino
from openvino import opset13 as operations

from customvision.vision.artifacts import BackboneArtifact, Label, ModelArtifact, digest_of
from customvision.vision.decoding import PREPROCESSING
from customvision.vision.head import Head

INPUT_SIZE = 32
FEATURE_COUNT = 4


@functools.cache
def backbone(architecture: str = "means") -> BackboneArtifact:
    """Returns a backbone whose features are the mean red, green and blue, 0 to 1, and a one."""
    pixels = operations.parameter([1, INPUT_SIZE, INPUT_SIZE, 3], np.uint8)
    scaled = operations.divide(operations.convert(pixels, "f32"), operations.constant(np.float32(255)))
    means = operations.reduce_mean(scaled, operations.constant(np.array([1, 2])), keep_dims=False)
    one = operations.constant(np.ones((1, 1), np.float32))
    model = openvino.Model([operations.concat([means, one], axis=1)], [pixels], architecture)
    with tempfile.TemporaryDirectory() as folder:
        xml = Path(folder) / "trunk.xml"
        openvino.save_model(model, xml, compress_to_fp16=False)
        return BackboneArtifact(
            backbone_id=f"{architecture}-1",
            architecture=architecture,
            input_size=INPUT_SIZE,
            feature_count=FEATURE_COUNT,
            preprocessing=PREPROCESSING,
            xml=xml.read_bytes(),
            weights=xml.with_suffix(".bin").read_bytes(),
        )


def model(
    tag_names: tuple[str, ...] = ("red", "green", "blue"),
    *,
    multilabel: bool = False,
    backbone_data: bytes | None = None,
    preprocessing: str = PREPROCESSING,
) -> ModelArtifact:
    """Returns a model whose n-th tag is the likelier the stronger the n-th feature of ``backbone()`` is."""
    weights = np.zeros((FEATURE_COUNT, len(tag_names)), np.float32)
    for index in range(len(tag_names)):
        weights[index % FEATURE_COUNT, index] = 10
    return ModelArtifact(
        backbone_id=backbone().backbone_id,
        backbone_sha256=digest_of(backbone().to_bytes() if backbone_data is None else backbone_data),
        preprocessing=preprocessing,
        labels=tuple(Label(tag_id=f"tag-of-{name}", tag_name=name) for name in tag_names),
        head=Head(weights, np.zeros(len(tag_names), np.float32), multilabel),
        metrics={"accuracy": 1.0},
        versions={"customvision": "0"},
    )
