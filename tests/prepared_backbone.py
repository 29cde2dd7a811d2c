"""The built-in backbone made ready, which takes seconds, for tests that train."""

import asyncio
from dataclasses import replace
from pathlib import Path

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
