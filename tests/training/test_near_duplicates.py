"""Which pictures look the same."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from customvision.training.computation.near_duplicates import (
    MAX_DISTANCE,
    NO_STRUCTURE,
    difference_hash,
    earliest_near_duplicates,
)
from customvision.vision.decoding import RgbPixels, decode_for_backbone
from pictures import encoded, picture

SIZE = 224
hashes = st.integers(1, 2**64 - 1)


def drawn(seed: int) -> Image.Image:
    """Returns a picture of large soft shapes, unlike that of any other seed."""
    fields = np.random.default_rng(seed).integers(0, 255, (6, 7, 3), dtype=np.uint8)
    return Image.fromarray(fields).resize((420, 320), Image.Resampling.BICUBIC)


def hash_of(image: Image.Image, quality: int = 90) -> int:
    """Returns the hash of a picture that was saved and decoded again, as an upload is."""
    return difference_hash(decode_for_backbone(encoded(image, quality=quality), SIZE))


def distance(one: int, other: int) -> int:
    """Returns the number of bits that differ."""
    return (one ^ other).bit_count()


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "resized": lambda image: image.resize((image.width // 2, image.height // 2)),
    "brightened": lambda image: ImageEnhance.Brightness(image).enhance(1.1),
    "cropped": lambda image: image.crop((4, 3, image.width - 4, image.height - 3)),
    "saved again": lambda image: Image.open(io.BytesIO(encoded(image, quality=60))),
}


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES.keys())
def test_copies_are_found(change: Callable[[Image.Image], Image.Image]) -> None:
    """A picture that is resized, brightened, cropped a little or saved again nearly equals the original."""
    for seed in range(20):
        assert distance(hash_of(drawn(seed)), hash_of(change(drawn(seed)))) <= MAX_DISTANCE


def test_different_pictures_are_told_apart() -> None:
    """Pictures of other shapes are far from one another."""
    found = [hash_of(drawn(seed)) for seed in range(60)]
    assert earliest_near_duplicates(found) == list(range(60))


def test_plain_pictures_equal_nothing() -> None:
    """Pictures without structure are not called copies of one another: nothing in them tells."""
    plain = [hash_of(picture(seed, color=(200, 40, 40))) for seed in range(4)]
    assert plain == [NO_STRUCTURE] * 4
    assert earliest_near_duplicates([*plain, None, None]) == [0, 1, 2, 3, 4, 5]


@settings(deadline=None)
@given(hashes, st.sets(st.integers(0, 63), max_size=12))
def test_a_few_bits_make_a_copy_and_more_do_not(value: int, flipped: set[int]) -> None:
    """Hashes that differ in four bits at most belong together, whichever bits these are; others do not."""
    other = value ^ sum(1 << bit for bit in flipped)
    expected = 0 if len(flipped) <= MAX_DISTANCE and other != NO_STRUCTURE else 1
    assert earliest_near_duplicates([value, other]) == [0, expected]


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**10) | hashes, max_size=60))
def test_the_quick_way_finds_what_the_plain_way_finds(values: list[int]) -> None:
    """Comparing by pieces finds exactly the earliest neighbour that comparing all pairs finds."""
    plain = [
        next(
            (
                earlier
                for earlier, other in enumerate(values[:index])
                if NO_STRUCTURE not in (value, other) and distance(value, other) <= MAX_DISTANCE
            ),
            index,
        )
        for index, value in enumerate(values)
    ]
    assert earliest_near_duplicates(values) == plain


def test_near_ones_are_found_among_ten_thousand() -> None:
    """Of ten thousand hashes a third is near another, and each is found."""
    generator = np.random.default_rng(0)
    values = [int(value) for value in generator.integers(1, 2**63, 6667, dtype=np.int64)]
    values += [
        value ^ (1 << int(bit)) for value, bit in zip(values[:3333], generator.integers(0, 63, 3333), strict=True)
    ]
    found = earliest_near_duplicates(values)
    assert found[6667:] == list(range(3333))


@pytest.mark.parametrize(
    ("data_set", "most_pairs"),
    [("flower_photos", 0), ("grocery_produce", 2), ("trashnet", 3), ("eurosat_rgb", 0)],
)
def test_real_photos(shared: Path, data_set: str, most_pairs: int) -> None:
    """Among real photos hardly any are taken for copies of one another, and nearly all copies are found."""
    files = sorted((shared / "datasets" / data_set).rglob("*.jpg"))[::2]
    photos = [decode_for_backbone(file.read_bytes(), SIZE) for file in files]
    values = [difference_hash(pixels) for pixels in photos]
    found = earliest_near_duplicates(values)
    assert sum(index != earliest for index, earliest in enumerate(found)) <= most_pairs
    known = [(value, pixels) for value, pixels in zip(values[::8], photos[::8], strict=True) if value != NO_STRUCTURE]
    assert len(known) > 0.7 * len(values[::8])
    copies = [distance(value, saved_again(pixels)) <= MAX_DISTANCE for value, pixels in known]
    assert sum(copies) / len(copies) > 0.9


def saved_again(pixels: RgbPixels) -> int:
    """Returns the hash of pixels that were saved as a poor JPEG in between."""
    return difference_hash(decode_for_backbone(encoded(Image.fromarray(pixels), quality=60), SIZE))
