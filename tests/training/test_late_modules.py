"""Modules that are loaded late."""

import subprocess
import sys

ASKED_FOR_EARLY = """
import sys
from customvision.training.children.late_modules import load_late
load_late("xml.sax.saxutils")
import xml.sax.saxutils
stand_in = xml.sax.saxutils
print(hasattr(stand_in, "__file__"), "urllib.request" in sys.modules)
print(stand_in.escape("<"), stand_in is xml.sax.saxutils)
load_late("xml.sax.saxutils")
real = xml.sax.saxutils
print(real.escape is stand_in.escape, hasattr(real, "__file__"), "urllib.request" in sys.modules)
"""


def test_modules_are_loaded_when_they_are_used() -> None:
    """A module that is asked for early is loaded when something of it is first used, and is then the real one."""
    command = [sys.executable, "-c", ASKED_FOR_EARLY]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.split() == ["False", "False", "&lt;", "False", "True", "True", "True"]
