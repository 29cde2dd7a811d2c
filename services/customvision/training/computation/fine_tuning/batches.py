"""Batches of photos that each epoch sees cropped, mirrored and lit otherwise, as Keras takes them."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from PIL import Image

from customvision.training.computation.calibration import Truth
from customvision.training.computation.fine_tuning.photos import Photos
from customvision.vision.decoding import resized_for_backbone

DECODING_THREADS = 2

# What an augmented view keeps of the photo's area, how far its sides may stretch, and how far light and colour move.
SMALLEST_AREA, STRETCH = 0.5, 1.28
CONTRAST, BRIGHTNESS, TINT = 0.2, 25.0, 0.08


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Endless variation on the photos in ``rows``: batches of pixels float32[b, size, size, 3] with truth and weights.

    An epoch has every photo once; which view of it, seed, epoch and row decide.
    """

    def __init__(
        self,
        photos: Photos,
        rows: npt.NDArray[np.int64],
        truth: Truth,
        weights: npt.NDArray[np.float64],
        *,
        batch: int,
        epoch: int = 0,
        seed: int = 0,
    ) -> None:
        """``truth`` uint8[n, t] and ``weights`` float64[n] are those of all photos; ``epoch`` is the first, from 0."""
        super().__init__(workers=DECODING_THREADS, use_multiprocessing=False, max_queue_size=2 * DECODING_THREADS)
        self._photos, self._rows, self._truth, self._weights = photos, rows, truth, weights
        self._batch, self._epoch, self._seed = batch, epoch, seed
        self._order = self._shuffled()

    def __len__(self) -> int:
        return -(-len(self._rows) // self._batch)

    def __getitem__(self, index: int) -> tuple[Any, Any, Any]:
        rows = self._order[index * self._batch : (index + 1) * self._batch]
        pixels = [_varied(self._photos, row, np.random.default_rng((self._seed, self._epoch, row))) for row in rows]
        return np.stack(pixels), self._truth[rows].astype(np.float32), self._weights[rows].astype(np.float32)

    def on_epoch_end(self) -> None:
        """Shuffles for the next epoch."""
        self._epoch += 1
        self._order = self._shuffled()

    def _shuffled(self) -> npt.NDArray[np.int64]:
        return np.random.default_rng((self._seed, self._epoch)).permutation(self._rows)


def _varied(photos: Photos, row: int, generator: np.random.Generator) -> npt.NDArray[np.float32]:
    """Returns a view of one photo: a crop of random area and shape, resized; half of them mirrored; other light."""
    share = np.sqrt(generator.uniform(SMALLEST_AREA, 1.0))
    stretch = np.sqrt(np.exp(generator.uniform(-np.log(STRETCH), np.log(STRETCH))))
    across, down = min(1.0, share * stretch), min(1.0, share / stretch)
    left, top = generator.uniform(0, 1 - across), generator.uniform(0, 1 - down)
    with Image.open(photos.files[row]) as opened:
        image = opened.convert("RGB")
        width, height = image.size
        box = (left * width, top * height, (left + across) * width, (top + down) * height)
        pixels = resized_for_backbone(image, photos.size, box).astype(np.float32)
    if generator.random() < 0.5:
        pixels = pixels[:, ::-1]
    contrast = generator.uniform(1 - CONTRAST, 1 + CONTRAST)
    lit = (pixels - 128.0) * contrast + 128.0 + generator.uniform(-BRIGHTNESS, BRIGHTNESS)
    tint = generator.uniform(1 - TINT, 1 + TINT, 3)
    return np.clip(lit * tint, 0, 255).astype(np.float32)
