"""A command line for each test."""

from pathlib import Path

import pytest

from command_line import CommandLine


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    """The command line on an empty home, with no service to reach."""
    return CommandLine(tmp_path / "home")
