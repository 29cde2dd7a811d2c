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
    """Project, training, prediction and the command line start without TensorFlow and Keras, the suite without gRPC."""
    # In this order: what one has imported is there for those after it.
    suite, *others = "suite", "project", "training", "prediction", "gateway", "cli"
    code = (
        "import importlib, sys\n"
        f"for module in {[suite, *others]}:\n"
        "    importlib.import_module(f'customvision.{module}.__main__')\n"
        "    print(module, *sorted({'grpc', 'keras', 'tensorflow'} & sys.modules.keys()))\n"
    )
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert outcome.stdout.splitlines() == [suite, *(f"{module} grpc" for module in others)]
