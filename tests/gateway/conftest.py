"""The gateway on a real project service, and on project and training together."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from prepared_backbone import prepare_built_in_backbone
from running_gateway import training_api
from training_suite import TrainingSuite, running_training_suite


@pytest.fixture(scope="session")
def prepared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of prepared backbones that holds the built-in one."""
    return prepare_built_in_backbone(tmp_path_factory.mktemp("prepared"))


@pytest.fixture
async def project_suite(settings: Settings, keys: Keys) -> AsyncIterator[TrainingSuite]:
    """A project service; nothing trains."""
    suite = TrainingSuite(settings, keys)
    try:
        await suite.start_project()
        yield suite
    finally:
        await suite.stop_project()


@pytest.fixture
async def project_api(project_suite: TrainingSuite, keys: Keys) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the training API on a project service alone."""
    async with training_api(project_suite.settings, keys) as client:
        yield client


@pytest.fixture
async def suite(settings: Settings, keys: Keys, prepared_folder: Path) -> AsyncIterator[TrainingSuite]:
    """Project and training, both serving, with the built-in backbone ready."""
    shutil.copytree(prepared_folder, settings.home / "training" / "backbones")
    async with running_training_suite(settings, keys) as suite:
        yield suite


@pytest.fixture
async def api(suite: TrainingSuite, keys: Keys) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the training API on project and training."""
    async with training_api(suite.settings, keys) as client:
        yield client
