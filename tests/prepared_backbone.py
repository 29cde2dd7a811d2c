"""The built-in backbone made ready, which takes seconds, for tests that train."""

import asyncio
import fcntl
import os
from dataclasses import replace
from pathlib import Path

import pytest

from customvision.common.settings import Settings
from customvision.training.backbones.preparation import BackbonePreparation


def prepare_built_in_backbone(home: Path) -> Path:
    """Prepares the built-in backbone in ``home`` and returns the folder of what was made."""
    settings = replace(
        Settings.from_environment({"CUSTOMVISION_HOME": str(home)}), backbone_download=False, backbone_weights=None
    )

    async def prepare() -> None:
        await BackbonePreparation(settings).backbone()

    asyncio.run(prepare())
    return home / "training" / "backbones"


def backbone_prepared_for_all(factory: pytest.TempPathFactory) -> Path:
    """Returns a folder with the built-in backbone prepared, which the first of this run's workers makes for all.

    Nobody may write to it.
    """
    folder = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with (folder / "prepared.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # What another worker made is found, and nothing is made.
        return prepare_built_in_backbone(folder / "prepared-for-all")
