"""Draws small pictures for tests: no photo of anyone's is needed."""

import functools
import io

import numpy as np
from PIL import Image


def picture(
    seed: int, *, color: tuple[int, int, int] = (128, 128, 128), size: tuple[int, int] = (96, 72)
) -> Image.Image:
    """Returns a noisy RGB picture around ``color``; equal arguments give equal pixels. ``size`` is width, height."""
    noise = np.random.default_rng(seed).normal(0, 25, (size[1], size[0], 3))
    return Image.fromarray(np.clip(np.asarray(color) + noise, 0, 255).astype(np.uint8))


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    """Returns ``image`` as the bytes of a file of that Pillow format."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@functools.cache
def photo(seed: int, *, color: tuple[int, int, int] = (128, 128, 128), kind: str = "JPEG") -> bytes:
    """Returns the bytes of a small picture file around ``color``."""
    return encoded(picture(seed, color=color), kind)
