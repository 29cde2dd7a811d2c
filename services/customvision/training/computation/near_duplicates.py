"""Finds pictures that show the same: the same photo saved again, resized, brightened a little, or cropped a little."""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from customvision.vision.decoding import RgbPixels

HASH_BITS = 64
# Chosen on five sets of real photos, see docs/evaluation.md: different photos are rarely nearer than 5 bits.
MAX_DISTANCE = 4
# Below this mean step in grey levels between neighbouring fields, noise decides the bits: open water, a blank wall.
LEAST_CONTRAST = 2.0
NO_STRUCTURE = 0

Hashes = npt.NDArray[np.uint64]
Indices = npt.NDArray[np.int64]


def difference_hash(pixels: RgbPixels) -> int:
    """Returns 64 bits, 0 to 2**64 - 1, that nearly agree for ``uint8[h, w, 3]`` pictures that look the same.

    Each bit says whether a field of the picture, shrunk to 9 x 8 grey fields, is brighter than its left neighbour: the
    difference hash (dHash) of Neal Krawetz, "Kind of Like That" (The Hacker Factor Blog, 2013). NO_STRUCTURE, 0, is
    the answer for a picture too plain to tell from another.
    """
    grey = Image.fromarray(pixels).convert("L").resize((9, 8), Image.Resampling.BILINEAR)
    steps = np.diff(np.asarray(grey, dtype=np.int16), axis=1)
    if np.abs(steps).mean() < LEAST_CONTRAST:
        return NO_STRUCTURE
    return int.from_bytes(np.packbits(steps > 0).tobytes())


def earliest_near_duplicates(hashes: Sequence[int | None]) -> list[int]:
    """Returns for each picture the index of the first one that it nearly equals: an earlier one's, or its own.

    Pictures nearly equal one another where their hashes differ in MAX_DISTANCE bits at most; None and NO_STRUCTURE
    equal nothing. What comes later changes no earlier answer.
    """
    earliest = list(range(len(hashes)))
    known = [index for index, value in enumerate(hashes) if value is not None and value != NO_STRUCTURE]
    if known:
        values = np.array([hashes[index] for index in known], dtype=np.uint64)
        distinct, first, place = np.unique(values, return_index=True, return_inverse=True)
        nearest = _least_of_neighbours(distinct, first.astype(np.int64))
        for index, found in zip(known, nearest[place], strict=True):
            earliest[index] = known[found]
    return earliest


def _least_of_neighbours(hashes: Hashes, ranks: Indices) -> Indices:
    """Returns for each of distinct hashes the least rank among its own and those within MAX_DISTANCE.

    Of two hashes that differ in few bits, cut into one piece more than that, one piece is equal in both. So only
    hashes that share a piece are compared, and the work grows with the pictures, not with their pairs.
    """
    least = ranks.copy()
    for lowest, highest in _pieces():
        mask = np.uint64((1 << (highest - lowest)) - 1)
        keys = (hashes >> np.uint64(lowest)) & mask
        order = np.argsort(keys, kind="stable")
        for left, right in _pairs_of_equal(keys[order]):
            one, other = order[left], order[right]
            near = np.bitwise_count(hashes[one] ^ hashes[other]) <= MAX_DISTANCE
            np.minimum.at(least, one[near], ranks[other[near]])
            np.minimum.at(least, other[near], ranks[one[near]])
    return least


def _pieces() -> list[tuple[int, int]]:
    edges = np.linspace(0, HASH_BITS, MAX_DISTANCE + 2).round().astype(int).tolist()
    return list(itertools.pairwise(edges))


def _pairs_of_equal(ascending: Hashes) -> Iterator[tuple[Indices, Indices]]:
    """Yields the positions of all pairs of equal values, those at distance 1 first."""
    left = np.arange(len(ascending) - 1)
    distance = 1
    while len(left):
        left = left[ascending[left] == ascending[left + distance]]
        yield left, left + distance
        distance += 1
        left = left[left + distance < len(ascending)]
