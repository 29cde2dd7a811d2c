"""The built-in backbone made ready, which takes seconds, for tests that train."""

import asyncio
import fcntl
import shutil
from dataclasses import replace
from pathlib import Path

from customvision.common.settings import Settings
from customvision.training.backbones.preparation import BackbonePreparation


def prepare_built_in_backbone(home: Path) -> Path:
    """Prepares the built-in backbone in ``home`` and returns the folder of what was made.

    Where ``home`` lies among the temporary files of a run of tests, those that run beside each other share it.
    """
    own = home / "training" / "backbones"
    of_run = next((folder for folder in home.parents if folder.parent.name.startswith("pytest-of-")), None)
    if of_run is None:
        return _prepare(home)
    with (of_run / "prepared-backbone.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done, shared = of_run / "prepared-backbone.done", of_run / "prepared-backbone"
        if not done.exists():
            _prepare(shared)
            done.touch()
    shutil.copytree(shared / "training" / "backbones", own)
    return own


def _prepare(home: Path) -> Path:
    settings = replace(
        Settings.from_environment({"CUSTOMVISION_HOME": str(home)}), backbone_download=False, backbone_weights=None
    )

    async def prepare() -> None:
        await BackbonePreparation(settings).backbone()

    asyncio.run(prepare())
    return home / "training" / "backbones"
