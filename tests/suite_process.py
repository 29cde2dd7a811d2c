"""A whole suite in processes of its own, as `customvision up` starts it, for stories to use."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
CLI = Path(sys.executable).with_name("customvision")
# The first start on a new home prepares a backbone with Keras, on two cores that other work may share.
START_SECONDS = 60.0
SERVICES = ("project", "training", "prediction", "gateway")


def free_addresses() -> dict[str, str]:
    """Returns address settings with ports that were free a moment ago."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(4)]
        for listener in sockets:
            listener.bind(("127.0.0.1", 0))
        ports = [listener.getsockname()[1] for listener in sockets]
    names = ("PROJECT", "TRAINING", "PREDICTION", "HTTP")
    return {f"CUSTOMVISION_{name}_ADDRESS": f"127.0.0.1:{port}" for name, port in zip(names, ports, strict=True)}


class SuiteProcess:
    """`customvision up` on a home and free ports of its own; commands run against it."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CUSTOMVISION_")},
            **free_addresses(),
            "CUSTOMVISION_HOME": str(home),
            "CUSTOMVISION_BACKBONE_DOWNLOAD": "off",
            "COLUMNS": "120",
            **settings,
        }
        self.log = home.with_name(f"{home.name}.log")
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Starts and waits until the whole suite serves."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [CLI, "up"], env=self.environment, stdout=log, stderr=subprocess.STDOUT, text=True
            )
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Waits until /healthz answers 200."""
        wait_until(self.is_ready, START_SECONDS, self.log.read_text)

    def is_ready(self) -> bool:
        """Tells whether /healthz answers 200 now."""
        address = self.environment["CUSTOMVISION_HTTP_ADDRESS"]
        try:
            with urllib.request.urlopen(f"http://{address}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def stop(self) -> int:
        """Stops it as Ctrl-C does and returns the exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=30)

    def service(self, name: str) -> psutil.Process:
        """Returns the process of a service."""
        assert self.process is not None
        for child in psutil.Process(self.process.pid).children():
            if f"customvision.{name}" in child.cmdline():
                return child
        raise LookupError(f"{name} does not run")

    def kill(self, name: str) -> None:
        """Kills a service with SIGKILL and waits until that process is gone."""
        process = self.service(name)
        process.kill()
        process.wait(timeout=10)

    def run(self, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a command of the command line against the suite."""
        outcome = subprocess.run(
            [CLI, *map(str, arguments)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        if check:
            assert outcome.returncode == 0, f"{arguments}: {outcome.stdout}\n{outcome.stderr}\n{self.log.read_text()}"
        return outcome

    def spawn(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Starts a command of the command line against the suite."""
        return subprocess.Popen(
            [CLI, *map(str, arguments)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def json(self, *arguments: str | Path) -> list[dict[str, object]]:
        """Runs a command with --json and returns what it printed."""
        result: list[dict[str, object]] = json.loads(self.run(*arguments, "--json").stdout)
        return result


@contextmanager
def running_suite(home: Path, **settings: str) -> Iterator[SuiteProcess]:
    """Starts a suite and stops it at the end."""
    suite = SuiteProcess(home, **settings)
    suite.start()
    try:
        yield suite
    finally:
        suite.stop()


def wait_until(condition: Callable[[], bool], seconds: float, explain: Callable[[], str] = lambda: "") -> None:
    """Waits until ``condition()`` is true; fails with ``explain()`` where it is not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.02)


def write_folder(folder: Path, classes: Mapping[str, Sequence[bytes]]) -> Path:
    """Writes one sub-folder of JPEG files per class and returns ``folder``."""
    for name, files in classes.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        start = len(list((folder / name).iterdir()))
        for index, content in enumerate(files, start):
            (folder / name / f"{index:03}.jpg").write_bytes(content)
    return folder
