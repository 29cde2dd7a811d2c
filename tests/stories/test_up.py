"""`customvision up`: start, trouble, stop."""

import json
import os
import pty
import re
import signal
import stat
import subprocess
from pathlib import Path

import httpx
import psutil
import pytest
from local_suite import CLI

from suite_process import SERVICES, SuiteProcess, wait_until


def test_a_first_start_makes_keys_and_shows_them(suite: SuiteProcess) -> None:
    """A first start shows the keys it makes with what to do next; a log, which others read, gets no link with them."""
    keys_file = suite.home / "keys.json"
    keys = json.loads(keys_file.read_text())
    wait_until(lambda: "Ctrl-C here stops everything" in suite.log.read_text(), 10)
    said, _, _ = suite.log.read_text().partition("Ctrl-C here stops everything")
    assert stat.S_IMODE(keys_file.stat().st_mode) == 0o600
    assert keys["training_key"] in said
    assert keys["prediction_key"] in said
    assert "customvision train" in said
    assert "In a browser: http://" in said
    assert "#" not in said


def test_a_terminal_gets_a_link_that_signs_in(tmp_path: Path) -> None:
    """What is printed in a terminal signs a browser in at once."""
    suite = SuiteProcess(tmp_path / "home")
    terminal, inside = pty.openpty()
    process = subprocess.Popen([CLI, "up"], env=suite.environment, stdout=inside, stderr=inside)
    os.close(inside)
    try:
        printed = b""
        while (link := re.search(rb"(http://\S+)/sign-in#(\S+)\r", printed)) is None:
            printed += os.read(terminal, 65536)
        with httpx.Client(base_url=link[1].decode()) as browser:
            assert browser.get("/").status_code == 303
            assert browser.post("/page/session", json={"token": link[2].decode()}).status_code == 204
            assert browser.get("/").status_code == 200
    finally:
        process.terminate()
        process.wait(30)
        os.close(terminal)


def test_nothing_is_left_of_a_suite(tmp_path: Path) -> None:
    """A supervisor killed with SIGKILL takes its services with it, so that ports are free for a second start, which
    shows no keys; Ctrl-C ends that one with exit code 0 and leaves no process behind."""
    suite = SuiteProcess(tmp_path / "home")
    suite.start()
    assert suite.process is not None
    children = psutil.Process(suite.process.pid).children(recursive=True)
    suite.process.kill()
    suite.process.wait()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive

    shown = len(suite.log.read_text())
    suite.start()
    wait_until(lambda: "Ctrl-C here stops everything" in suite.log.read_text()[shown:], 10)
    keys = json.loads((suite.home / "keys.json").read_text())
    assert keys["training_key"] not in suite.log.read_text()[shown:]
    children = psutil.Process(suite.process.pid).children(recursive=True)
    assert len(children) >= len(SERVICES)
    assert suite.stop() == 0
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("name", SERVICES)
def test_a_killed_service_is_started_again(suite: SuiteProcess, name: str) -> None:
    """A service killed with SIGKILL is running again soon, and the log says so."""
    before = suite.service(name).pid
    suite.kill(name)

    def is_back() -> bool:
        try:
            return suite.service(name).pid != before and suite.is_ready()
        except (LookupError, psutil.NoSuchProcess):
            return False

    wait_until(is_back, 30, suite.log.read_text)
    assert f"{name} was killed by SIGKILL; starting it again" in suite.log.read_text()


def test_two_suites_on_one_home(suite: SuiteProcess) -> None:
    """A second suite on the same home says so in one sentence and ends with 78; the first goes on."""
    outcome = suite.run("up", check=False)
    assert outcome.returncode == 78
    assert "uses" in outcome.stderr
    assert str(suite.home) in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert suite.is_ready()


def test_a_port_in_use(suite: SuiteProcess, tmp_path: Path) -> None:
    """A suite on ports that are taken names the address and the setting, ends with 78, and leaves the other alone."""
    environment = suite.environment | {"CUSTOMVISION_HOME": str(tmp_path / "other")}
    outcome = subprocess.run([CLI, "up"], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert outcome.returncode == 78
    assert environment["CUSTOMVISION_PROJECT_ADDRESS"] in outcome.stderr
    assert "CUSTOMVISION_PROJECT_ADDRESS" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert suite.is_ready()


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("CUSTOMVISION_HOME", "/proc/nowhere", "/proc/nowhere"),
        ("CUSTOMVISION_PROJECT_ADDRESS", "fifty", "HOST:PORT"),
        ("CUSTOMVISION_BACKBONE_WEIGHTS", "/no/such/file.h5", "CUSTOMVISION_BACKBONE_WEIGHTS"),
        ("CUSTOMVISION_LOG_LEVEL", "loud", "CUSTOMVISION_LOG_LEVEL"),
    ],
)
def test_settings_that_cannot_be_used(tmp_path: Path, setting: str, value: str, expected: str) -> None:
    """A setting that cannot be used is named in one clear sentence with exit code 78 and no traceback."""
    environment = SuiteProcess(tmp_path / "home").environment | {setting: value}
    outcome = subprocess.run([CLI, "up"], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert outcome.returncode == 78
    assert expected in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_one_service_alone(tmp_path: Path) -> None:
    """`customvision serve project` runs that service alone and SIGTERM ends it with 0."""
    environment = SuiteProcess(tmp_path / "home").environment
    process = subprocess.Popen(
        [CLI, "serve", "project"], env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    assert process.stderr is not None
    first = process.stderr.readline()
    assert environment["CUSTOMVISION_PROJECT_ADDRESS"] in first
    os.kill(process.pid, signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0
