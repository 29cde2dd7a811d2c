"""A suite of one's own beside any other on this machine: `customvision up` on free ports and a home of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

CLI = Path(sys.executable).with_name("customvision")
START_SECONDS = 60.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.01


class LocalSuite:
    """Not started until ``start``. What it prints goes to a file beside the home."""

    def __init__(self, home: Path, **settings: str) -> None:
        """``settings`` are environment variables; of this process's own, those of the product do not count."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CUSTOMVISION_")}
        self.home = home
        self.environment = {**inherited, **free_addresses(), **settings, "CUSTOMVISION_HOME": str(home)}
        self.log = home.with_name(f"{home.name}.log")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts and waits until the whole suite serves. Raises RuntimeError, with its log, where it does not."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([CLI, "up"], env=self.environment, stdout=log, stderr=log)  # noqa: S603
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The suite did not start:\n{self.log.read_text()}")
            time.sleep(POLL_SECONDS)

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
        return self.process.wait(STOP_SECONDS)


def free_addresses() -> dict[str, str]:
    """Returns the address settings with ports that were free a moment ago."""
    names = ("PROJECT", "TRAINING", "PREDICTION", "HTTP")
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in names]
        for listener in sockets:
            listener.bind(("127.0.0.1", 0))
        return {
            f"CUSTOMVISION_{name}_ADDRESS": f"127.0.0.1:{listener.getsockname()[1]}"
            for name, listener in zip(names, sockets, strict=True)
        }
