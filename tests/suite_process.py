"""A whole suite in processes of its own, as `customvision up` starts it, for stories to use."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
from local_suite import CLI, LocalSuite

from forked_commands import run_forked

SERVICES = ("project", "training", "prediction", "gateway")
COMMAND_SECONDS = 180


class SuiteProcess(LocalSuite):
    """A suite on the built-in backbone, without downloads, and commands that run against it."""

    def __init__(self, home: Path, **settings: str) -> None:
        super().__init__(home, CUSTOMVISION_BACKBONE_DOWNLOAD="off", COLUMNS="120", **settings)

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
        outcome = run_forked([*map(str, arguments)], self.environment, COMMAND_SECONDS)
        if check:
            assert outcome.returncode == 0, f"{arguments}: {outcome.stdout}\n{outcome.stderr}\n{self.log.read_text()}"
        return outcome

    def spawn(self, *arguments: str | Path) -> "subprocess.Popen[str]":
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
def running_suite(home: Path, *, backbones: Path | None = None, **settings: str) -> Iterator[SuiteProcess]:
    """Starts a suite, with the backbones that were prepared in the folder ``backbones``, and stops it at the end."""
    if backbones is not None:
        shutil.copytree(backbones, home / "training" / "backbones")
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
        time.sleep(0.05)


def best_tag(suite: SuiteProcess, image: Path, project: str) -> str:
    """Returns the likeliest tag of one image, having checked that the answer is ordered and sums to one."""
    answer = suite.json("predict", image, "--project", project)
    assert answer[0]["image"] == str(image)
    predictions = answer[0]["predictions"]
    assert isinstance(predictions, list)
    probabilities = [prediction["probability"] for prediction in predictions]
    assert probabilities == sorted(probabilities, reverse=True)
    assert abs(sum(probabilities) - 1) < 1e-6
    return str(predictions[0]["tag_name"])


def write_folder(folder: Path, classes: Mapping[str, Sequence[bytes]]) -> Path:
    """Writes one sub-folder of JPEG files per class and returns ``folder``."""
    for name, files in classes.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        start = len(list((folder / name).iterdir()))
        for index, content in enumerate(files, start):
            (folder / name / f"{index:03}.jpg").write_bytes(content)
    return folder
