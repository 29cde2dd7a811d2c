"""The photos and weights that figures are taken on: real ones where they lie beside the repository."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from drawing import draw_data_set

ROOT = Path(__file__).parents[1]
DATA_SETS = ROOT.parent / "shared" / "datasets"
FLOWERS = DATA_SETS / "flower_photos"
WEIGHTS = ROOT.parent / "shared" / "weights" / "mobilenet_v2_1.0_224_no_top.weights.h5"

Labels = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Photos:
    """The files of one data set, and the number of each file's class."""

    name: str
    class_names: tuple[str, ...]
    paths: tuple[Path, ...]
    labels: Labels

    @property
    def chance(self) -> float:
        """The accuracy of guessing."""
        return 1 / len(self.class_names)

    def has_more_than(self, per_class: int) -> bool:
        """Tells whether every class has photos left to test on once ``per_class`` are drawn."""
        return bool(np.bincount(self.labels).min() > per_class)

    def draw(self, per_class: int, draw: int) -> tuple[Rows, Rows]:
        """Returns the rows of ``per_class`` photos of each class, and of all others; the same for the same ``draw``."""
        order = np.random.default_rng(draw).permutation(len(self.labels))
        drawn = np.concatenate(
            [order[self.labels[order] == label][:per_class] for label in range(len(self.class_names))]
        )
        return drawn, np.setdiff1d(order, drawn)

    def by_class(self, rows: Rows) -> dict[str, list[Path]]:
        """Returns the paths of ``rows`` under the name of their class."""
        return {
            name: [self.paths[row] for row in rows if self.labels[row] == label]
            for label, name in enumerate(self.class_names)
        }


def data_sets() -> Iterator[Photos]:
    """Yields every data set beside the repository: a folder with one sub-folder for each class."""
    for data_set in sorted(DATA_SETS.iterdir()):
        if data_set.is_dir():
            kinds = sorted(kind for kind in data_set.iterdir() if kind.is_dir())
            found = [(file, label) for label, kind in enumerate(kinds) for file in sorted(kind.iterdir())]
            yield Photos(
                data_set.name,
                tuple(kind.name for kind in kinds),
                tuple(file for file, _ in found),
                np.array([label for _, label in found]),
            )


def backbone_settings() -> dict[str, str]:
    """Returns the settings for the weights: the user's own, those beside the repository, or none and no download."""
    given = os.environ.get("CUSTOMVISION_BACKBONE_WEIGHTS", "")
    if given or WEIGHTS.is_file():
        return {"CUSTOMVISION_BACKBONE_WEIGHTS": given or str(WEIGHTS)}
    return {"CUSTOMVISION_BACKBONE_DOWNLOAD": "off"}


def own_weights() -> Path | None:
    """Returns the weights that ``backbone_settings`` name, or None where a suite rests on the built-in ones."""
    named = backbone_settings().get("CUSTOMVISION_BACKBONE_WEIGHTS")
    return Path(named) if named else None


def class_photos(folder: Path, *, per_class: int) -> dict[str, list[Path]]:
    """Returns up to ``per_class`` photos of each class: flowers, or fruit that is drawn into ``folder``."""
    source = FLOWERS
    if not FLOWERS.is_dir():
        source = folder / "drawn"
        draw_data_set(source, per_class=per_class)
    return {kind.name: sorted(kind.iterdir())[:per_class] for kind in sorted(source.iterdir()) if kind.is_dir()}
