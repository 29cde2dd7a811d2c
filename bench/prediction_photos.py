"""The photos that prediction is measured on: of about 400 px, and the same enlarged to what a phone takes."""

import io
from pathlib import Path

import numpy as np
from photos import class_photos
from PIL import Image

PER_CLASS = 10
LARGE_SIZE = (4000, 3000)
LARGE_COUNT = 8
# A photo's grain, which enlarging smooths away: without it a file would be a third of a real one's size.
GRAIN, TILE = 6.0, 1000


def small_photos(folder: Path) -> list[bytes]:
    """Returns JPEG files of about 400 px."""
    return [path.read_bytes() for paths in class_photos(folder, per_class=PER_CLASS).values() for path in paths]


def large_photos(small: list[bytes]) -> list[bytes]:
    """Returns JPEG files of 12 megapixels, of some of the ``small`` ones."""
    step = max(1, len(small) // LARGE_COUNT)
    return [_enlarged(data, seed) for seed, data in enumerate(small[::step][:LARGE_COUNT])]


def _enlarged(data: bytes, seed: int) -> bytes:
    with Image.open(io.BytesIO(data)) as photo:
        pixels = np.asarray(photo.convert("RGB").resize(LARGE_SIZE, Image.Resampling.BICUBIC), np.int16)
    tile = np.random.default_rng(seed).normal(0, GRAIN, (TILE, TILE, 1)).astype(np.int16)
    grain = np.tile(tile, (LARGE_SIZE[1] // TILE, LARGE_SIZE[0] // TILE, 1))
    buffer = io.BytesIO()
    Image.fromarray((pixels + grain).clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()
