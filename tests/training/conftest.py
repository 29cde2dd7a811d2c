"""Training on a home of its own, with the built-in backbone, prepared once."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from prepared_backbone import backbone_prepared_for_all
from scripted_exports import ExportChild, export_child_in
from scripted_training import ScriptChild, ScriptedTraining, script_child_in, scripted_training
from training_suite import TrainingSuite, running_training_suite

SHARED = Path(__file__).resolve().parents[3] / "shared"


@pytest.fixture(scope="session")
def prepared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of prepared backbones that holds the built-in one."""
    return backbone_prepared_for_all(tmp_path_factory)


@pytest.fixture
def prepared_settings(settings: Settings, prepared_folder: Path) -> Settings:
    """Settings whose home has the built-in backbone prepared."""
    shutil.copytree(prepared_folder, settings.home / "training" / "backbones")
    return settings


@pytest.fixture
async def suite(prepared_settings: Settings, keys: Keys) -> AsyncIterator[TrainingSuite]:
    """Project and training, both serving."""
    async with running_training_suite(prepared_settings, keys) as suite:
        yield suite


@pytest.fixture
async def scripted(prepared_settings: Settings, keys: Keys) -> AsyncIterator[ScriptedTraining]:
    """A training service whose project service is scripted."""
    async with scripted_training(prepared_settings, keys) as suite:
        yield suite


@pytest.fixture
def script_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ScriptChild:
    """Scripts the processes of runs."""
    folder = tmp_path / "modules"
    folder.mkdir()
    return script_child_in(folder, monkeypatch)


@pytest.fixture
def export_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ExportChild:
    """Scripts the processes of exports."""
    return export_child_in(tmp_path, monkeypatch)


@pytest.fixture
def shared() -> Path:
    """The folder of real photos and weights; tests that need it are skipped where it is missing."""
    if not (SHARED / "datasets").is_dir():
        pytest.skip("the folder ../shared with real photos and weights is not here")
    return SHARED
