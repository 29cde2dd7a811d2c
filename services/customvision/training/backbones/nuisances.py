"""In which directions a backbone's features of one photo differ from view to view: a head relies on those less.

Method: within-class covariance normalisation (Hatch, Kajarekar and Stolcke, "Within-class covariance normalization for
SVM-based speaker recognition", 2006). Here the views of a photo, crops in other light, are the class: no labels needed.
"""

import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from customvision.common.processors import available_cores

# Of each level; what is beyond them is told by its mean. All directions would be worth no more (docs/adr/0019).
MAX_DIRECTIONS = 128
# As a share of the mean variance: keeps a direction in which views hardly differ from outweighing all others.
LEAST_VARIANCE = 3e-3
# What is multiplied in one go, by one processor: equal rows give equal results on however many processors.
BLOCK_ROWS = 256

Rows = npt.NDArray[np.float32]
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class LevelNuisances:
    """One depth's: ``directions`` float32[c, k] of length 1, most varied first, and what to multiply by along each of
    them, ``factors`` float32[k], and altogether, ``scale``."""

    directions: npt.NDArray[np.float32]
    factors: npt.NDArray[np.float32]
    scale: float

    def lessened(self, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Returns [n, c] in the dtype of ``rows`` [n, c]."""
        along = (rows @ self.directions.astype(rows.dtype)) * (self.factors - 1).astype(rows.dtype)
        lessened: npt.NDArray[Any] = (rows + along @ self.directions.T.astype(rows.dtype)) * rows.dtype.type(self.scale)
        return lessened


@dataclass(frozen=True)
class Nuisances:
    """Those of each depth, in the order of the features; none where they were not measured."""

    levels: tuple[LevelNuisances, ...] = ()

    @property
    def feature_count(self) -> int:
        """d: of how many features they are."""
        return sum(len(level.directions) for level in self.levels)

    def lessened(self, features: Rows) -> Rows:
        """Returns ``features`` float32[n, d] as a head should learn from them: the same where there are no levels.

        Raises ValueError where they are of another number of features.
        """
        if not self.levels:
            return features
        if features.shape[1] != self.feature_count:
            raise ValueError(f"nuisances of {self.feature_count} features do not fit {features.shape[1]}")
        lessened = np.empty_like(features)

        def apply(start: int) -> None:
            block = slice(start, start + BLOCK_ROWS)
            for level, columns in self._columns():
                lessened[block, columns] = level.lessened(features[block, columns])

        with ThreadPoolExecutor(available_cores()) as pool:
            list(pool.map(apply, range(0, len(features), BLOCK_ROWS)))
        return lessened

    def on_features(self, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Returns weights float64[d, t] that say of features what ``weights`` float64[d, t] say of lessened ones."""
        if not self.levels:
            return weights
        # Lessening is symmetric: what it does to features it does to weights.
        return np.vstack([level.lessened(weights[columns].T).T for level, columns in self._columns()])

    def to_arrays(self) -> Arrays:
        """Returns three arrays for each level, directions as float16, which from_arrays reads."""
        arrays: Arrays = {}
        for index, level in enumerate(self.levels):
            arrays[f"directions_{index}"] = level.directions.astype(np.float16)
            arrays[f"factors_{index}"] = level.factors
            arrays[f"scale_{index}"] = np.array([level.scale], np.float32)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "Nuisances":
        """Reads what to_arrays wrote. Raises KeyError and ValueError where it is not that."""
        levels = []
        for index in range(-(-len(arrays) // 3)):
            directions, factors, scale = (
                np.asarray(arrays[f"{name}_{index}"], np.float32) for name in ("directions", "factors", "scale")
            )
            fitting = directions.ndim == 2 and factors.shape == directions.shape[1:] and scale.shape == (1,)
            if not fitting or not all(np.isfinite(array).all() for array in (directions, factors, scale)):
                raise ValueError(f"the arrays of level {index} do not fit one another, or are not finite")
            levels.append(LevelNuisances(directions, factors, float(scale[0])))
        return cls(tuple(levels))

    def to_bytes(self) -> bytes:
        """Returns an ``.npz`` file, which load reads."""
        file = io.BytesIO()
        np.savez(file, allow_pickle=False, **self.to_arrays())
        return file.getvalue()

    @classmethod
    def load(cls, file: Path) -> "Nuisances":
        """Reads a file of to_bytes; one that is not there holds none."""
        if not file.exists():
            return cls()
        # Of a damaged file NumPy leaves open what it was given as a path.
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as arrays:
            return cls.from_arrays(dict(arrays))

    def _columns(self) -> Iterator[tuple[LevelNuisances, slice]]:
        start = 0
        for level in self.levels:
            stop = start + len(level.directions)
            yield level, slice(start, stop)
            start = stop


NO_NUISANCES = Nuisances()


def measured(features: Rows, level_sizes: Sequence[int]) -> Nuisances:
    """Returns the nuisances of ``features`` float32[photos, views, d], whose levels are so many numbers each."""
    levels, start = [], 0
    for size in level_sizes:
        levels.append(_measured_level(features[..., start : start + size].astype(np.float64)))
        start += size
    return Nuisances(tuple(levels))


def _measured_level(features: npt.NDArray[np.float64]) -> LevelNuisances:
    photos, views, size = features.shape
    around = (features - features.mean(axis=1, keepdims=True)).reshape(-1, size)
    variances, directions = np.linalg.eigh(around.T @ around / (photos * (views - 1)))
    variances, directions = np.maximum(variances[::-1], 0), directions[:, ::-1]
    least = max(LEAST_VARIANCE * float(variances.mean()), np.finfo(np.float32).tiny)
    told = variances[:MAX_DIRECTIONS]
    rest = max(float(variances[MAX_DIRECTIONS:].mean()) if size > MAX_DIRECTIONS else float(told[-1]), least)
    level = LevelNuisances(
        directions[:, :MAX_DIRECTIONS].astype(np.float32), np.sqrt(rest / (told + least)).astype(np.float32), 1.0
    )
    rows = features.reshape(-1, size)
    before, after = rows.var(axis=0).sum(), level.lessened(rows).var(axis=0).sum()
    # Half way between what photos differed by in this level and what they would if all levels counted alike.
    scale = before**0.25 / np.sqrt(max(after, np.finfo(np.float32).tiny))
    return LevelNuisances(level.directions, level.factors, float(scale))
