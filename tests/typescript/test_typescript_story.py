"""The TypeScript client against the real suite: upload, train, follow, publish, predict."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pictures import photo
from suite_process import SuiteProcess, running_suite, write_folder
from typescript.package import EXAMPLE, PROGRAMS

COLORS = {"red": (200, 40, 40), "green": (40, 170, 60)}
IMAGES_PER_TAG = 8
SECONDS = 180


@pytest.fixture
def suite(tmp_path: Path) -> Iterator[SuiteProcess]:
    """A running suite on a home of its own."""
    with running_suite(tmp_path / "home") as running:
        yield running


@pytest.mark.usefixtures("built_package")
def test_from_a_folder_to_a_prediction(suite: SuiteProcess, tmp_path: Path) -> None:
    """A user of TypeScript alone gets from a folder of photos to an answer; keys come from the suite's home."""

    def node(program: Path, *arguments: str | Path) -> list[str]:
        command = ["node", program, *arguments]
        done = subprocess.run(
            command, env=suite.environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{suite.log.read_text()}"
        return done.stdout.splitlines()

    photos = {name: [photo(seed, color=color) for seed in range(IMAGES_PER_TAG)] for name, color in COLORS.items()}
    folder = write_folder(tmp_path / "colors", photos)
    (uploaded,) = node(PROGRAMS / "upload_folder.js", "colors", folder)
    assert json.loads(uploaded) == {"createdCount": 2 * IMAGES_PER_TAG, "duplicateCount": 0, "failedCount": 0}

    image = tmp_path / "red.jpg"
    image.write_bytes(photo(99, color=COLORS["red"]))
    lines = [line.split("\t") for line in node(EXAMPLE, "--project", "colors", image)]
    told = [line for line in lines if line[0].isdigit()]
    assert [int(sequence) for sequence, _ in told] == list(range(1, len(told) + 1))
    assert told[-1][1] == "SUCCEEDED"
    assert any(text.startswith("EMBEDDING_IMAGES") for _, text in told)
    predictions = {line[0]: float(line[1]) for line in lines[-2:]}
    assert predictions.keys() == COLORS.keys()
    assert sum(predictions.values()) == pytest.approx(1, abs=0.001)
