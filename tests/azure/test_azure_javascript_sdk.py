"""The published Azure SDKs for JavaScript live the whole life of a project with the suite."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from azure.photos import Photos

PACKAGE = Path(__file__).parent / "javascript"
SECONDS = 120


def test_a_project_lives_in_javascript(quickstart_environment: dict[str, str], photos: Photos) -> None:
    """Every operation of the SDKs, unmodified, over plain HTTP, does what programs that use it rely on."""
    if shutil.which("node") is None:
        pytest.skip("Node is needed to run the SDKs for JavaScript")
    if not (PACKAGE / "node_modules").is_dir():
        pytest.skip("the SDKs for JavaScript are not installed; `make test` installs them where there is npm")
    outcome = subprocess.run(
        ["node", "project-life.js", photos.folder, photos.url],
        cwd=PACKAGE,
        env=os.environ | quickstart_environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
