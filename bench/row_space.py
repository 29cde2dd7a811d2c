"""Features in the space that the images span, so that the cost of a fit follows the number of images."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
# Below this share of the largest, a direction is rounding error of the features' float32.
SMALLEST_SHARE = 1e-10


@dataclass(frozen=True)
class RowSpace:
    """An exact change of coordinates: ``rows = (features - mean) / scale @ directions``.

    ``mean`` float64[features], ``directions`` float64[features, k] orthonormal with k at most the number of images,
    ``rows`` float64[images, k].
    """

    mean: Matrix
    scale: float
    directions: Matrix
    rows: Matrix

    @classmethod
    def of(cls, features: npt.NDArray[np.float32]) -> "RowSpace":
        """Returns the space of ``features`` float32[images, features], scaled to a mean square length of 1."""
        mean = features.mean(axis=0, dtype=np.float64)
        centred = features.astype(np.float64) - mean
        scale = float(np.sqrt((centred**2).sum(axis=1).mean())) or 1.0
        centred /= scale
        directions = _directions(centred)
        return cls(mean, scale, directions, centred @ directions)

    def to_features(self, weights: Matrix, bias: Matrix) -> tuple[Matrix, Matrix]:
        """Returns weights [features, outputs] and bias [outputs] that act on features as those given act on rows."""
        on_features = self.directions @ weights / self.scale
        return on_features, bias - self.mean @ on_features


def _directions(centred: Matrix) -> Matrix:
    images, features = centred.shape
    # The smaller of the two products has the same spectrum, and is all that is taken apart.
    values, vectors = np.linalg.eigh(centred @ centred.T if images <= features else centred.T @ centred)
    kept = values > SMALLEST_SHARE * max(values[-1], SMALLEST_SHARE)
    if images > features:
        kept_vectors: Matrix = vectors[:, kept]
        return kept_vectors
    directions: Matrix = centred.T @ vectors[:, kept] / np.sqrt(values[kept])
    return directions
