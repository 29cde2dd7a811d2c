"""Another server as a process: from its own environment, which `make rivals` makes."""

import os
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import psutil
from local_suite import free_addresses
from photos import ROOT
from questions import Questions
from trained_model import TrainedModel

from customvision.vision.head import Probabilities

RIVALS = ("mlserver", "kserve", "pytriton")
ENVIRONMENTS = ROOT / ".venv" / "rivals"
PROGRAMS = Path(__file__).with_name("rivals")
START_SECONDS = 90.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.2
# Libraries that compute for the head differ in the last digits.
TOLERANCE = 1e-4


class RivalMissing(Exception):
    """The server is not installed or does not start here; the message says which."""


class RivalServer:
    """A started server; ``pid`` is that of its first process."""

    def __init__(self, name: str, folder: Path, trained: TrainedModel) -> None:
        """Starts it on free ports. Raises RivalMissing where it is not installed."""
        python = ENVIRONMENTS / name / "bin" / "python"
        if not python.exists():
            raise RivalMissing("not installed; `make rivals` does that")
        folder.mkdir()
        (folder / "backbone.zip").write_bytes(trained.backbone)
        (folder / "model.zip").write_bytes(trained.model.to_bytes())
        addresses = free_addresses()
        self.name = name
        self.address = addresses["CUSTOMVISION_PREDICTION_ADDRESS"]
        self._log = folder.with_suffix(".log")
        ports = [self.address.rpartition(":")[2], addresses["CUSTOMVISION_HTTP_ADDRESS"].rpartition(":")[2]]
        paths = os.pathsep.join(map(str, (ROOT / "services", PROGRAMS.parent)))
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own
                [python, PROGRAMS / f"{name}_server.py", folder, *ports],
                # PyTriton's processes load Python as a library: the one whose modules they will import.
                env={**os.environ, "PYTHONPATH": paths, "LD_LIBRARY_PATH": sysconfig.get_config_var("LIBDIR")},
                cwd=folder,
                stdout=log,
                stderr=log,
            )
        self.pid = self._process.pid

    def check(self, questions: Questions, expected: Probabilities) -> None:
        """Raises RuntimeError where it answers the first question otherwise than expected."""
        answer = self._ask(questions)
        width = 4 * len(expected)
        found = [np.frombuffer(answer[start : start + width], "<f4") for start in range(len(answer) - width + 1)]
        # Both ways that the protocol has to hold them are the bytes of the numbers, one after another.
        if not any(np.allclose(numbers, expected, atol=TOLERANCE) for numbers in found):
            raise RuntimeError(f"{self.name} does not answer what the model says: {answer!r}")

    def wait_until_answering(self, questions: Questions) -> None:
        """Asks until there is an answer. Raises RivalMissing, with the end of its log, where none comes in time."""
        deadline = time.monotonic() + START_SECONDS
        problem = ""
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self._ask(questions)
            except grpc.RpcError as error:
                problem = str(error.details())
                time.sleep(POLL_SECONDS)
            else:
                return
        raise RivalMissing(f"does not start here: {problem}; {self._log.read_text(errors='replace')[-500:]}")

    def stop(self) -> None:
        """Ends all of its processes."""
        if self._process.poll() is not None:
            return
        processes = [psutil.Process(self.pid), *psutil.Process(self.pid).children(recursive=True)]
        self._process.terminate()
        _, alive = psutil.wait_procs(processes, STOP_SECONDS)
        for process in alive:
            process.kill()

    def _ask(self, questions: Questions) -> bytes:
        with grpc.insecure_channel(self.address, options=[("grpc.enable_http_proxy", 0)]) as channel:
            ask: Any = channel.unary_unary(questions.method)
            answer: bytes = ask(questions.heads[0] + questions.bodies[0], timeout=10)
        return answer


@contextmanager
def running_rival(name: str, folder: Path, trained: TrainedModel, questions: Questions) -> Iterator[RivalServer]:
    """Starts a server, yields it once it answers ``questions``, and stops it. Raises RivalMissing."""
    server = RivalServer(name, folder, trained)
    try:
        server.wait_until_answering(questions)
        yield server
    finally:
        server.stop()
