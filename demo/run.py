"""The whole story on pictures drawn for it: start the suite, train, publish, predict, stop."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from drawing import draw_data_set

CLI = Path(sys.executable).with_name("customvision")
START_SECONDS = 60


def main() -> int:
    """Runs the story in a temporary folder, which is removed at the end; returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="customvision-demo-") as name:
        folder = Path(name)
        say("Drawing 4 classes of 30 pictures each …")
        draw_data_set(folder / "fruit", per_class=30)
        draw_data_set(folder / "unseen", per_class=1, seed=1)
        environment = {**os.environ, **_addresses(), "CUSTOMVISION_HOME": str(folder / "home")}
        say("Starting the suite …")
        with _suite(environment):
            say("Training, as you would:  customvision train fruit")
            outcome = _customvision(environment, "train", folder / "fruit")
            if outcome == 0:
                images = sorted((folder / "unseen").glob("*/*.jpg"))
                say("Asking the published model about pictures it has never seen:")
                outcome = _customvision(environment, "predict", *images, "--project", "fruit")
    say("That was all. `make run` starts the suite for your own photos.")
    return outcome


def say(text: str) -> None:
    """Prints a line of the story."""
    sys.stdout.write(f"\n── {text}\n")
    sys.stdout.flush()


def _addresses() -> dict[str, str]:
    # Ports of its own: a suite that already runs here is left alone.
    names = ("PROJECT", "TRAINING", "PREDICTION", "HTTP")
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in names]
        for listener in sockets:
            listener.bind(("127.0.0.1", 0))
        return {
            f"CUSTOMVISION_{name}_ADDRESS": f"127.0.0.1:{listener.getsockname()[1]}"
            for name, listener in zip(names, sockets, strict=True)
        }


@contextmanager
def _suite(environment: dict[str, str]) -> Iterator[None]:
    log = Path(environment["CUSTOMVISION_HOME"]).with_name("suite.log")
    with log.open("w") as output:
        process = subprocess.Popen([CLI, "up"], env=environment, stdout=output, stderr=output)  # noqa: S603 - our own
        try:
            _wait_until_ready(environment["CUSTOMVISION_HTTP_ADDRESS"], process, log)
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def _wait_until_ready(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://{address}/healthz", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    sys.exit(f"The suite did not start:\n{log.read_text()}")


def _customvision(environment: dict[str, str], *arguments: str | Path) -> int:
    return subprocess.run([CLI, *arguments], env=environment, check=False).returncode  # noqa: S603 - our own


if __name__ == "__main__":
    sys.exit(main())
