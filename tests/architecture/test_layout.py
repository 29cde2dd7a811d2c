"""The house keeps its shape."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_imports_keep_to_the_architecture() -> None:
    """No service imports another, clients see only the contract, domain files know no technology."""
    outcome = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout


def test_stubs_are_current() -> None:
    """The committed stubs are what the protos give."""
    outcome = subprocess.run(
        [sys.executable, ROOT / "protos" / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0, outcome.stderr


def test_light_processes_stay_light() -> None:
    """Starting project, training, prediction or the command line imports no TensorFlow and no Keras."""
    modules = ("project", "training", "prediction", "gateway", "suite", "cli")
    for module in modules:
        code = f"import customvision.{module}.__main__, sys; print({{'tensorflow', 'keras'}} & sys.modules.keys())"
        outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert outcome.stdout.strip() == "set()", module
