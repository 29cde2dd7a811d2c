"""The figures of prediction that the design names, in short; `make bench-prediction` prints all of them."""

from pathlib import Path

import many_models
import swapping
import throughput
from figures import Figure
from material import Material
from prediction_options import SMALL, Options

SHORT = Options(callers=(1, 16), sizes=(SMALL,), models=(1, 10_000))


def measure(folder: Path) -> list[Figure]:
    """Measures speed on small photos, ten thousand models and a hundred swaps."""
    (folder / "material").mkdir()
    material = Material(folder / "material", SHORT)
    return [
        figure
        for part in (throughput, many_models, swapping)
        for figure in part.measure(folder / part.__name__, material)
    ]
