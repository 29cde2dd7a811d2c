"""What runs here tells nobody of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

IMPORTING = """
import sys
started = []
sys.addaudithook(lambda event, _: started.append(event) if event == "os.fork" else None)
import {module}
import openvino
assert sys.modules["openvino_telemetry"] is None
assert not started, started
"""


@pytest.mark.parametrize("module", ["customvision.vision.trunk", "customvision.training.backbones.conversion"])
def test_openvino_tells_nobody(module: str, tmp_path: Path) -> None:
    """Loading OpenVINO, and Keras on it, starts no process that tells of it, and leaves no mark in the user's home."""
    environment = {**os.environ, "HOME": str(tmp_path), "KERAS_HOME": str(tmp_path), "KERAS_BACKEND": "openvino"}
    # Where these are set, OpenVINO tells nothing anyway.
    for name in ("CI", "TF_BUILD", "JENKINS_URL"):
        environment.pop(name, None)
    command = [sys.executable, "-c", IMPORTING.format(module=module)]
    outcome = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert outcome.returncode == 0, outcome.stderr
    assert not (tmp_path / "intel").exists()
