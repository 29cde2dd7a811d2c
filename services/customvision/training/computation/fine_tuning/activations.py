"""What the frozen part of a network makes of the photos, computed once for a number of views of each."""

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from customvision.training.computation.fine_tuning.network import TunableNetwork
from customvision.training.computation.fine_tuning.photos import Photos
from customvision.vision.decoding import resized_for_backbone

# The first two views are as predictions see a photo, and mirrored; the others vary.
AS_SERVED, MIRRORED = 0, 1
PLAIN_VIEWS, MOST_VIEWS = 2, 14
MOST_BYTES = 768 * 1024 * 1024
BATCH = 32
DECODING_THREADS = 2
# What a varied view keeps of the photo's area, how far its sides may stretch, and how far light and colour move.
SMALLEST_AREA, STRETCH = 0.5, 1.28
CONTRAST, BRIGHTNESS, TINT = 0.2, 25.0, 0.08

# Of the bytes and of the time for views: what the fewest views may take at most.
MOST_OVER, MOST_OVER_TIME = 2.0, 3.0

Maps = npt.NDArray[np.float16]


class TooManyPhotos(Exception):
    """There are more photos than there is time or room for."""


@dataclass(frozen=True)
class Activations:
    """For each view ``maps`` float16[n, h, w, c] and ``levels`` float16[n, k] of n photos."""

    maps: Sequence[Maps]
    levels: Sequence[Maps]

    @property
    def views(self) -> int:
        """How many views there are of each photo."""
        return len(self.maps)


def activations_of(
    network: TunableNetwork, photos: Photos, seconds: float, reached: Callable[[float], None]
) -> Activations:
    """Computes as many views of each photo as there is time, in ``seconds``, and room for; which, a seed decides.

    ``reached`` hears the share that is done, 0 to 1. Raises TooManyPhotos.
    """
    count = len(photos.files)
    bytes_each = 2 * sum(math.prod(output.shape[1:]) for output in network.frozen.outputs)
    if count * bytes_each * (PLAIN_VIEWS + 1) > MOST_OVER * MOST_BYTES:
        raise TooManyPhotos
    views = int(np.clip(MOST_BYTES // (count * bytes_each), PLAIN_VIEWS + 1, MOST_VIEWS))
    maps: list[Maps] = []
    levels: list[Maps] = []
    started = time.monotonic()

    def look_at_clock(share: float) -> None:
        reached((len(maps) + share) / views)
        if len(maps) <= PLAIN_VIEWS and time.monotonic() - started > MOST_OVER_TIME * seconds:
            raise TooManyPhotos

    while len(maps) < views:
        one, other = _one_view(network, photos, len(maps), look_at_clock)
        maps.append(one)
        levels.append(other)
        # The first tells how long the others will take.
        each = (time.monotonic() - started) / len(maps)
        views = int(np.clip(seconds / each, PLAIN_VIEWS + 1, views))
    return Activations(maps, levels)


def _one_view(
    network: TunableNetwork, photos: Photos, view: int, reached: Callable[[float], None]
) -> tuple[Maps, Maps]:
    count = len(photos.files)
    parts = [range(start, min(start + BATCH, count)) for start in range(0, count, BATCH)]
    maps, levels = [], []
    with ThreadPoolExecutor(DECODING_THREADS) as pool:
        for part, pixels in zip(parts, pool.map(lambda rows: _pixels(photos, rows, view), parts), strict=True):
            one, other = network.look(pixels)
            maps.append(np.asarray(one).astype(np.float16))
            levels.append(np.asarray(other).astype(np.float16))
            reached(part.stop / count)
    return np.concatenate(maps), np.concatenate(levels)


def _pixels(photos: Photos, rows: range, view: int) -> npt.NDArray[np.float32]:
    if view in (AS_SERVED, MIRRORED):
        pixels = photos.as_served(rows).astype(np.float32)
        return pixels[:, :, ::-1] if view == MIRRORED else pixels
    return np.stack([_varied(photos, row, np.random.default_rng((view, row))) for row in rows])


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
