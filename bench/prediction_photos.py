"""The photos that prediction is measured on: of about 400 px, and the same enlarged to what a phone takes."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from drawing import draw_data_set
from photos import DATA_SETS
from PIL import Image

# Its photos have 400 px on their longer side.
SOURCE = DATA_SETS / "clothing"
PER_CLASS = 5
SMALL_SIZE, LARGE_SIZE = (400, 300), (4000, 3000)
LARGE_COUNT = 8
QUALITY = 88
# A photo's grain, which enlarging smooths away: without it a file would be a third of a real one's size.
GRAIN, TILE = 6.0, 1000

Pixels = npt.NDArray[np.uint8]


def small_photos(folder: Path) -> list[bytes]:
    """Returns JPEG files of about 400 px: real ones where they lie beside the repository, else drawn in ``folder``."""
    if SOURCE.is_dir():
        return [path.read_bytes() for path in _some_of_each_class(SOURCE)]
    draw_data_set(folder / "drawn", per_class=PER_CLASS)
    drawn = _some_of_each_class(folder / "drawn")
    return [_encoded(_enlarged(path.read_bytes(), SMALL_SIZE)) for path in drawn]


def large_photos(small: list[bytes]) -> list[bytes]:
    """Returns JPEG files of 12 megapixels, of some of the ``small`` ones."""
    step = max(1, len(small) // LARGE_COUNT)
    return [_encoded(_grained(_enlarged(data, LARGE_SIZE), seed)) for seed, data in enumerate(small[::step])]


def _some_of_each_class(folder: Path) -> list[Path]:
    kinds = sorted(kind for kind in folder.iterdir() if kind.is_dir())
    return [path for kind in kinds for path in sorted(kind.iterdir())[:PER_CLASS]]


def _enlarged(data: bytes, size: tuple[int, int]) -> Pixels:
    with Image.open(io.BytesIO(data)) as photo:
        return np.asarray(photo.convert("RGB").resize(size, Image.Resampling.BICUBIC), np.uint8)


def _grained(pixels: Pixels, seed: int) -> Pixels:
    tile = np.random.default_rng(seed).normal(0, GRAIN, (TILE, TILE, 1)).astype(np.int16)
    grain = np.tile(tile, (pixels.shape[0] // TILE, pixels.shape[1] // TILE, 1))
    return (pixels + grain).clip(0, 255).astype(np.uint8)


def _encoded(pixels: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
