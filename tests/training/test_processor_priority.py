"""Processes that leave the processor to others."""

import subprocess
import sys
from pathlib import Path

import pytest

AUTOGROUP = Path("/proc/self/autogroup")
GIVES_WAY = """
import os
from pathlib import Path
from customvision.training.children.processor_priority import give_way
give_way(19)
file = Path("/proc/self/autogroup")
print(os.nice(0), file.read_text() if file.exists() else "")
"""


def told_by_a_process() -> str:
    """Returns what a process of its own session tells of its priority."""
    command = [sys.executable, "-c", GIVES_WAY]
    return subprocess.run(command, capture_output=True, text=True, check=True, start_new_session=True).stdout


def test_process_gives_way() -> None:
    """The process itself claims little."""
    assert told_by_a_process().split()[0] == "19"


def test_session_gives_way() -> None:
    """Where the processor is shared out by session the whole session claims little: niceness alone would do nothing."""
    if not AUTOGROUP.exists() or not AUTOGROUP.read_text().strip():
        pytest.skip("this system does not share the processor out by session")
    assert told_by_a_process().strip().endswith("nice 19")
