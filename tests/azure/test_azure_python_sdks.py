"""The published Azure SDKs for Python, each in a folder of its own, live the whole life of a project with the suite."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from azure.photos import Photos

pytestmark = pytest.mark.long

# Where `make test` installs them.
INSTALLED = Path(__file__).parents[2] / ".venv" / "azure"
PROGRAMS = Path(__file__).parent / "programs"
SECONDS = 120


@pytest.mark.parametrize("version", ["3.1.1", "3.0.0", "2.0.0", "1.0.0"])
def test_a_project_lives_with_every_operation(
    version: str, quickstart_environment: dict[str, str], photos: Photos
) -> None:
    """Every operation of the SDK, unmodified, over plain HTTP, does what programs that use it rely on."""
    packages = INSTALLED / version
    if not packages.is_dir():
        pytest.skip(f"the SDK is not installed in {packages}; `make test` installs it")
    outcome = subprocess.run(
        [sys.executable, PROGRAMS / "project_life.py", photos.folder, photos.url],
        env={**os.environ, **quickstart_environment, "PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
