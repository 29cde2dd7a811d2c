"""One suite for the stories that only use it, so that its backbone is prepared once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pictures import photo
from prepared_backbone import backbone_prepared_for_all
from suite_process import SuiteProcess, running_suite, write_folder

COLORS = {"red": (200, 40, 40), "green": (40, 170, 60), "blue": (40, 60, 200)}


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SuiteProcess]:
    """A running suite on a home of its own, on the built-in backbone, without downloads."""
    backbones = backbone_prepared_for_all(tmp_path_factory)
    with running_suite(tmp_path_factory.mktemp("suite") / "home", backbones=backbones) as running:
        yield running


@pytest.fixture
def colors_folder(tmp_path: Path) -> Path:
    """A folder with ten drawn photos of each of three classes, named for the test's own temporary folder."""
    files = {name: [photo(seed, color=color) for seed in range(10)] for name, color in COLORS.items()}
    return write_folder(tmp_path / f"colors-{tmp_path.name}", files)
