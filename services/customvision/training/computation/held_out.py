"""Which images are held out of training to measure it: a fifth of every tag, the same ones as the data set grows."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from customvision.training.computation.near_duplicates import earliest_near_duplicates

BLOCK = 5
# Distinct images that a tag has to learn from before one is held out.
LEARNED_FIRST = 2


@dataclass(frozen=True)
class Placement:
    """What decides an image's place: its content's digest, the position of its first tag, and how it looks.

    ``difference_hash`` is that of near_duplicates, None where it is not known.
    """

    content_sha256: str
    first_tag: int
    difference_hash: int | None = None


@dataclass
class _Tag:
    """What a tag has so far: images, those held out, and distinct ones, of which a block's ``chosen`` is held out."""

    images: int = 0
    held_out: int = 0
    distinct: int = 0
    chosen: int = 0

    def place_distinct(self, content_sha256: str) -> bool:
        """Returns whether an image that resembles none before it is held out."""
        if self.distinct % BLOCK == 0:
            first = LEARNED_FIRST if self.distinct == 0 else 0
            self.chosen = self.distinct + first + _number_of(content_sha256) % (BLOCK - first)
        its_turn = self.distinct == self.chosen
        self.distinct += 1
        # Near-duplicates come along with an image unasked: they are made up for, so that a fifth stays a fifth.
        too_few = self.held_out < self.images // BLOCK
        enough = self.held_out > self.images // BLOCK
        return self.distinct > LEARNED_FIRST and (its_turn or too_few) and not enough

    def add(self, held_out: bool) -> None:
        """Counts an image at its place."""
        self.images += 1
        self.held_out += held_out


def held_out(images: Sequence[Placement]) -> list[bool]:
    """Returns for each image, in order of creation, whether it is held out.

    An image that nearly equals earlier ones goes where the earliest of them is. Of the others of each tag, one of
    every block of five is held out; which one, the first image of the block decides. An image with several tags counts
    for its first only. Images that come later move none. What each tag can rely on:

    - its first two distinct images are learned from, so that training is possible whatever follows;
    - with five distinct images, one at least is held out;
    - where all of its images nearly equal one another, none is: measuring would only tell what was learned by heart.

    Only where the same photo has different tags can it stand on both sides: a tag of which fewer than two images
    would be learned from keeps it.
    """
    tags: defaultdict[int, _Tag] = defaultdict(_Tag)
    result: list[bool] = []
    for index, (image, like) in enumerate(zip(images, earliest_alike(images), strict=True)):
        tag = tags[image.first_tag]
        if like == index:
            place = tag.place_distinct(image.content_sha256)
        else:
            place = result[like] and tag.images - tag.held_out >= LEARNED_FIRST
        tag.add(place)
        result.append(place)
    return result


def groups_alike(images: Sequence[Placement]) -> list[int]:
    """Returns for each image the first of its group: those that look alike, directly or by way of others."""
    groups: list[int] = []
    for index, like in enumerate(earliest_alike(images)):
        groups.append(index if like == index else groups[like])
    return groups


def earliest_alike(images: Sequence[Placement]) -> list[int]:
    """Returns for each image the first one that it nearly equals: an earlier one's index, or its own."""
    first_of_content: dict[str, int] = {}
    found = earliest_near_duplicates([image.difference_hash for image in images])
    for index, image in enumerate(images):
        found[index] = min(found[index], first_of_content.setdefault(image.content_sha256, index))
    return found


def tags_not_measured(tags_of_images: Sequence[Iterable[int]], places: Sequence[bool]) -> list[int]:
    """Returns the positions, ascending, of the tags that no held-out image carries: nothing tells how they do."""
    every = {tag for tags in tags_of_images for tag in tags}
    measured = {tag for tags, place in zip(tags_of_images, places, strict=True) if place for tag in tags}
    return sorted(every - measured)


def tags_hardly_learned(tags_of_images: Sequence[Iterable[int]], places: Sequence[bool]) -> list[int]:
    """Returns the positions, ascending, of the tags of which more images are held out than learned from.

    That is so where most images of a tag nearly equal one that is held out.
    """
    surplus: defaultdict[int, int] = defaultdict(int)
    for tags, place in zip(tags_of_images, places, strict=True):
        for tag in tags:
            surplus[tag] += 1 if place else -1
    return sorted(tag for tag, count in surplus.items() if count > 0)


def _number_of(content_sha256: str) -> int:
    return int.from_bytes(hashlib.sha256(content_sha256.encode()).digest()[:8])
