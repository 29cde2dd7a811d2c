"""The photos and weights that figures are taken on: real ones where they lie beside the repository."""

import os
from pathlib import Path

from drawing import draw_data_set

ROOT = Path(__file__).parents[1]
DATA_SETS = ROOT.parent / "shared" / "datasets"
FLOWERS = DATA_SETS / "flower_photos"
WEIGHTS = ROOT.parent / "shared" / "weights" / "mobilenet_v2_1.0_224_no_top.weights.h5"


def backbone_settings() -> dict[str, str]:
    """Returns the settings for the weights: the user's own, those beside the repository, or none and no download."""
    given = os.environ.get("CUSTOMVISION_BACKBONE_WEIGHTS", "")
    if given or WEIGHTS.is_file():
        return {"CUSTOMVISION_BACKBONE_WEIGHTS": given or str(WEIGHTS)}
    return {"CUSTOMVISION_BACKBONE_DOWNLOAD": "off"}


def class_photos(folder: Path, *, per_class: int) -> dict[str, list[Path]]:
    """Returns up to ``per_class`` photos of each class: flowers, or fruit that is drawn into ``folder``."""
    source = FLOWERS
    if not FLOWERS.is_dir():
        source = folder / "drawn"
        draw_data_set(source, per_class=per_class)
    return {kind.name: sorted(kind.iterdir())[:per_class] for kind in sorted(source.iterdir()) if kind.is_dir()}
