"""Batches of activations, of another view of each photo in each epoch, as Keras takes them."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from customvision.training.computation.calibration import Truth
from customvision.training.computation.fine_tuning.activations import PLAIN_VIEWS, Activations

# Varied views only would teach the network a world in which everything is closer than in the photos to come.
PLAIN_SHARE = 0.5


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """The photos in ``rows``, each once an epoch: maps and levels float32, truth float32[b, t], weights float32[b].

    Seed, epoch and place decide which view of a photo comes.
    """

    def __init__(
        self,
        activations: Activations,
        rows: npt.NDArray[np.int64],
        truth: Truth,
        weights: npt.NDArray[np.float64],
        *,
        batch: int,
        epoch: int = 0,
        seed: int = 0,
    ) -> None:
        """``truth`` uint8[n, t] and ``weights`` float64[n] are those of all photos; ``epoch`` is the first, from 0."""
        super().__init__(workers=1, use_multiprocessing=False)
        self._activations, self._rows, self._truth, self._weights = activations, rows, truth, weights
        self._batch, self._epoch, self._seed = batch, epoch, seed
        self._order, self._views = self._drawn()

    def __len__(self) -> int:
        return -(-len(self._rows) // self._batch)

    def __getitem__(self, index: int) -> tuple[Any, Any, Any]:
        part = slice(index * self._batch, (index + 1) * self._batch)
        rows, views = self._order[part], self._views[part]
        maps = np.stack([self._activations.maps[view][row] for row, view in zip(rows, views, strict=True)])
        levels = np.stack([self._activations.levels[view][row] for row, view in zip(rows, views, strict=True)])
        inputs = (maps.astype(np.float32), levels.astype(np.float32))
        return inputs, self._truth[rows].astype(np.float32), self._weights[rows].astype(np.float32)

    def on_epoch_end(self) -> None:
        """Draws anew for the next epoch."""
        self._epoch += 1
        self._order, self._views = self._drawn()

    def _drawn(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        generator = np.random.default_rng((self._seed, self._epoch))
        order = generator.permutation(self._rows)
        plain = generator.random(len(order)) < PLAIN_SHARE
        varied = generator.integers(PLAIN_VIEWS, self._activations.views, len(order))
        return order, np.where(plain, generator.integers(0, PLAIN_VIEWS, len(order)), varied)
