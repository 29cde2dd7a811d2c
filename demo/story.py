"""The whole story on pictures drawn for it: start the suite, train, publish, predict, stop."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from drawing import draw_data_set
from local_suite import CLI, LocalSuite


def main() -> int:
    """Runs the story in a temporary folder, which is removed at the end; returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="customvision-demo-") as name:
        folder = Path(name)
        say("Drawing 4 classes of 30 pictures each …")
        draw_data_set(folder / "fruit", per_class=30)
        draw_data_set(folder / "unseen", per_class=1, seed=1)
        say("Starting the suite …")
        weights = {name: value for name, value in os.environ.items() if name.startswith("CUSTOMVISION_BACKBONE_")}
        suite = LocalSuite(folder / "home", **weights)
        suite.start()
        try:
            outcome = train_and_ask(suite, folder)
        finally:
            suite.stop()
    say("That was all. `make run` starts the suite for your own photos.")
    return outcome


def train_and_ask(suite: LocalSuite, folder: Path) -> int:
    """Runs the commands that a user would; returns the first exit code that is not 0."""
    say("Training, as you would:  customvision train fruit")
    outcome = customvision(suite, "train", folder / "fruit")
    if outcome != 0:
        return outcome
    say("Asking the published model about pictures it has never seen:")
    return customvision(suite, "predict", *sorted((folder / "unseen").glob("*/*.jpg")), "--project", "fruit")


def say(text: str) -> None:
    """Prints a line of the story."""
    sys.stdout.write(f"\n── {text}\n")
    sys.stdout.flush()


def customvision(suite: LocalSuite, *arguments: str | Path) -> int:
    """Runs a command against the suite and returns its exit code."""
    return subprocess.run([CLI, *arguments], env=suite.environment, check=False).returncode  # noqa: S603 - our own


if __name__ == "__main__":
    sys.exit(main())
