"""The command line as a process of its own, in an environment of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

from forked_commands import run_forked

SECONDS = 120.0


class CommandLine:
    """Runs ``customvision`` with an empty home and no service, unless ``environment`` says otherwise."""

    def __init__(self, home: Path) -> None:
        self.home = home
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CUSTOMVISION_")}
        self.environment = {
            **inherited,
            "CUSTOMVISION_HOME": str(home),
            **{f"CUSTOMVISION_{service}_ADDRESS": "127.0.0.1:9" for service in ("PROJECT", "TRAINING", "PREDICTION")},
        }

    def connect(self, *, project: str = "", training: str = "", prediction: str = "") -> None:
        """Points the command line at services, and gives it keys."""
        addresses = {"PROJECT": project, "TRAINING": training, "PREDICTION": prediction}
        for service, address in addresses.items():
            if address:
                self.environment[f"CUSTOMVISION_{service}_ADDRESS"] = address
        self.make_keys()

    def make_keys(self) -> None:
        """Writes the keys that test servers know."""
        self.home.mkdir(exist_ok=True)
        content = {"training_key": "t" * 64, "prediction_key": "p" * 64}
        (self.home / "keys.json").write_text(json.dumps(content))

    def start(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        """Starts a command and returns its process."""
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "customvision.cli", *map(str, arguments)],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str | Path, exit_code: int = 0) -> tuple[str, str]:
        """Runs a command that ends with ``exit_code`` and returns what it wrote to standard output and error."""
        outcome = run_forked([*map(str, arguments)], self.environment, SECONDS)
        assert outcome.returncode == exit_code, f"exit code {outcome.returncode}\n{outcome.stdout}\n{outcome.stderr}"
        return outcome.stdout, outcome.stderr

    def fail(self, *arguments: str | Path) -> str:
        """Runs a command that fails, checks that it says so in one line, and returns the line."""
        output, notes = self.run(*arguments, exit_code=1)
        assert output == ""
        assert notes.count("\n") == 1, notes
        return notes.strip()
