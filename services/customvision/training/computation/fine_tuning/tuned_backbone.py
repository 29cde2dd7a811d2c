"""A backbone made ready from a weights file in the middle of a training: the fine-tuned one, or another iteration's."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.backbones.weights_file import read_shape
from customvision.training.computation.job import TrainingImpossible

MODULE = "customvision.training.backbones"


def prepare_backbone(weights_file: Path, folder: Path, like: PreparedBackbone) -> PreparedBackbone:
    """Returns the backbone with the weights in ``weights_file``, made ready in ``folder`` by a process of its own.

    Its source and warning are those of ``like``, which it was fine-tuned from: what is left of that is told in the
    artifact. Raises TrainingImpossible, and WeightsUnusable.
    """
    request = {
        "architecture": read_shape(weights_file).architecture,
        "named": str(weights_file),
        "weights_folder": str(folder),
        "download": False,
        "prepared_folder": str(folder),
        "tuned_from": str(like.backbone_file),
    }
    report = _last_report(request)
    if report.get("kind") != "prepared":
        reason = report.get("reason", "the process that does it ended early")
        raise TrainingImpossible(f"The network could not be made ready to run: {reason} Train again.")
    return replace(PreparedBackbone(**report["backbone"]), weights_source=like.weights_source, warning=like.warning)


def _last_report(request: dict[str, Any]) -> dict[str, Any]:
    # Keras' OpenVINO backend writes better graphs than TensorFlow's, and a process has one backend.
    environment = {**os.environ, "KERAS_BACKEND": "openvino"}
    command = [sys.executable, "-P", "-m", MODULE]
    with subprocess.Popen(  # noqa: S603 - our own module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdin and process.stdout  # noqa: S101 - they are pipes
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        report: dict[str, Any] = {}
        # The child takes the end of its input for ours.
        for line in process.stdout:
            report = json.loads(line)
    return report
