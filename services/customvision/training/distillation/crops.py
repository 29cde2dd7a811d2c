"""What teacher and student look at: random crops of photos and drawn pictures, altered and mixed."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from customvision.training.distillation.drawn_pictures import SIDE, Random, draw_picture, draw_surface
from customvision.vision.decoding import FORMATS, eight_bits

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif"})
CROPS_PER_OPENING = 4
VIEWS = 6
DRAWN_SHARE = 0.15
MIXED_SHARE = 0.4
WORKERS = 4
# So many photos in a row that cannot be read are no accident.
OPENINGS_TRIED = 8

Crops = npt.NDArray[np.uint8]


class PhotosUnreadable(Exception):
    """Many photos in a row cannot be read; the message names one."""


def find_photos(folders: Sequence[Path]) -> list[Path]:
    """Returns every file below ``folders`` that is named like a picture, sorted; hidden ones do not count."""
    named = {file for folder in folders for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES}
    return sorted(file for file in named if file.is_file() and not file.name.startswith("."))


def make_crops(photos: Sequence[Path], count: int, seed: Sequence[int]) -> Crops:
    """Returns ``uint8[count, 224, 224, 3]``: crops of photos and drawn pictures, altered, many of them mixed.

    The same ``seed`` gives the same crops. Raises PhotosUnreadable.
    """

    def opened(index: int) -> Crops:
        random = np.random.default_rng([*seed, index])
        if random.random() < DRAWN_SHARE:
            return np.stack([_altered(draw_picture(random), random) for _ in range(CROPS_PER_OPENING)])
        photo = _open_one(photos, random)
        crops = [_crop(photo, random, smallest=0.08, side=SIDE) for _ in range(CROPS_PER_OPENING)]
        return np.stack([_altered(crop, random) for crop in crops])

    crops, random = _gathered(opened, count, seed)
    return _mixed(crops, random)


def make_plain_crops(photos: Sequence[Path], count: int, seed: Sequence[int], side: int) -> Crops:
    """Returns ``uint8[count, side, side, 3]``: large parts of photos as they are, like what is predicted on.

    The same ``seed`` gives the same crops. Raises PhotosUnreadable.
    """

    def opened(index: int) -> Crops:
        random = np.random.default_rng([*seed, index])
        photo = _open_one(photos, random)
        return np.stack([np.asarray(_crop(photo, random, smallest=0.5, side=side)) for _ in range(CROPS_PER_OPENING)])

    return _gathered(opened, count, seed)[0]


def make_views(photos: Sequence[Path], count: int, seed: Sequence[int], side: int) -> Crops:
    """Returns ``uint8[count, VIEWS, side, side, 3]``: of each of as many photos several crops, altered, none mixed.

    The same ``seed`` gives the same crops. Raises PhotosUnreadable.
    """

    def opened(index: int) -> Crops:
        random = np.random.default_rng([*seed, index])
        photo = _open_one(photos, random)
        crops = [_altered(_crop(photo, random, smallest=0.25, side=SIDE), random) for _ in range(VIEWS)]
        return shrunk(np.stack(crops), side)

    with ThreadPoolExecutor(WORKERS) as pool:
        return np.stack(list(pool.map(opened, range(count))))


def shrunk(crops: Crops, side: int) -> Crops:
    """Returns ``uint8[n, side, side, 3]`` of crops ``uint8[n, height, width, 3]``."""
    size, method = (side, side), Image.Resampling.BILINEAR
    return np.stack([np.asarray(Image.fromarray(crop).resize(size, method)) for crop in crops])


def _gathered(opened: Callable[[int], Crops], count: int, seed: Sequence[int]) -> tuple[Crops, Random]:
    openings = -(-count // CROPS_PER_OPENING)
    with ThreadPoolExecutor(WORKERS) as pool:
        crops = np.concatenate(list(pool.map(opened, range(openings))))[:count]
    random = np.random.default_rng([*seed, openings])
    return crops[random.permutation(count)], random


def _open_one(photos: Sequence[Path], random: Random) -> Image.Image:
    for _ in range(OPENINGS_TRIED):
        file = photos[int(random.integers(len(photos)))]
        photo = _open(file, random)
        if photo is not None:
            return photo
    raise PhotosUnreadable(
        f"{OPENINGS_TRIED} photos in a row cannot be read, {file} among them. "
        "Take what is no JPEG, PNG, GIF, BMP or WebP out of the folders."
    )


def _open(file: Path, random: Random) -> Image.Image | None:
    """Returns a photo upright, cut-out objects on a ground that is drawn for them; None where it cannot be read."""
    try:
        with Image.open(file, formats=FORMATS) as image:
            image.draft("RGB", (2 * SIDE, 2 * SIDE))
            upright = ImageOps.exif_transpose(image)
            return _on_ground(eight_bits(upright), random)
    # Pillow's decoders raise many kinds of error on damaged files; one of thousands must not end hours of work.
    except Exception:  # noqa: BLE001
        return None


def _on_ground(upright: Image.Image, random: Random) -> Image.Image:
    if upright.has_transparency_data:
        cut_out = upright.convert("RGBA")
        ground = draw_surface(random).resize(cut_out.size).convert("RGBA")
        ground.alpha_composite(cut_out)
        upright = ground
    return upright.convert("RGB")


def _crop(photo: Image.Image, random: Random, *, smallest: float, side: int) -> Image.Image:
    area = random.uniform(smallest, 1.0) * photo.width * photo.height
    stretch = np.exp(random.uniform(np.log(3 / 4), np.log(4 / 3)))
    width = min(photo.width, max(8.0, np.sqrt(area * stretch)))
    height = min(photo.height, max(8.0, np.sqrt(area / stretch)))
    left, top = random.uniform(0, photo.width - width), random.uniform(0, photo.height - height)
    box = (left, top, left + width, top + height)
    crop = photo.resize((side, side), Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)
    return ImageOps.mirror(crop) if random.random() < 0.5 else crop


def _altered(crop: Image.Image, random: Random) -> Crops:
    if random.random() < 0.2:
        crop = crop.rotate(random.uniform(-45, 45), Image.Resampling.BILINEAR, fillcolor=_grey(random))
    if random.random() < 0.6:
        for change in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            crop = change(crop).enhance(random.uniform(0.6, 1.4))
    if random.random() < 0.1:
        crop = crop.filter(ImageFilter.GaussianBlur(random.uniform(0.5, 3)))
    pixels = np.asarray(crop)
    if random.random() < 0.1:
        # Another tint: each channel scaled on its own.
        pixels = np.clip(pixels * random.uniform(0.6, 1.4, 3), 0, 255).astype(np.uint8)
    return pixels


def _grey(random: Random) -> tuple[int, int, int]:
    level = int(random.integers(256))
    return level, level, level


def _mixed(crops: Crops, random: Random) -> Crops:
    mixed = crops.copy()
    others = random.permutation(len(crops))
    for index in np.flatnonzero(random.random(len(crops)) < MIXED_SHARE):
        if random.random() < 0.5:
            share = np.float32(random.uniform(0.2, 0.8))
            mixed[index] = share * crops[index] + (1 - share) * crops[others[index]]
        else:
            height, width = random.integers(SIDE // 4, SIDE * 3 // 4, 2)
            top, left = random.integers(SIDE - height), random.integers(SIDE - width)
            there = np.s_[top : top + height, left : left + width]
            mixed[index][there] = crops[others[index]][there]
    return mixed
