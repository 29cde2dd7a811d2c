"""Starts MLServer with the model: `mlserver_server.py FOLDER GRPC_PORT HTTP_PORT`."""

import json
import sys
from pathlib import Path

from mlserver.cli.main import main
from rivals.same_model import NAME

MAX_BYTES = 32 * 1024 * 1024


def write_settings(folder: Path, grpc_port: int, http_port: int) -> None:
    """Writes what MLServer reads: one process with threads, which computes as fast as workers and copies less."""
    server = {
        "host": "127.0.0.1",
        "grpc_port": grpc_port,
        "http_port": http_port,
        "metrics_endpoint": None,
        "parallel_workers": 0,
        "grpc_max_message_length": MAX_BYTES,
        "debug": False,
    }
    model = {
        "name": NAME,
        "implementation": "rivals.mlserver_runtime.SameModelRuntime",
        "parameters": {"uri": str(folder)},
    }
    (folder / "settings.json").write_text(json.dumps(server))
    (folder / "model-settings.json").write_text(json.dumps(model))


if __name__ == "__main__":
    place, grpc_number, http_number = sys.argv[1:]
    write_settings(Path(place), int(grpc_number), int(http_number))
    sys.argv = ["mlserver", "start", place]
    main()
