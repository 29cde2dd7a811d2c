"""Imported before OpenVINO, keeps it to itself: each process would tell its makers of its use, over the internet."""

import sys

# OpenVINO does without this package where it cannot be imported; its only switch is a file in the user's home.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
