"""Which images are held out of training to measure it: a fifth of every tag, the same ones as the data set grows."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

BLOCK = 5


@dataclass(frozen=True)
class Placement:
    """What decides an image's place: the digest of its content, and the position of its first tag."""

    content_sha256: str
    first_tag: int


def held_out(images: Sequence[Placement]) -> list[bool]:
    """Returns for each image, in order of creation, whether it is held out.

    Each tag's images are taken in blocks of five, and one of each block is held out; which one, the first image of
    the block decides. An image with several tags counts for its first only: where images have one tag each, every tag
    with five images has one held out. Images that come later move none.
    """
    by_tag: defaultdict[int, list[int]] = defaultdict(list)
    for index, image in enumerate(images):
        by_tag[image.first_tag].append(index)
    result = [False] * len(images)
    for members in by_tag.values():
        for start in range(0, len(members), BLOCK):
            block = members[start : start + BLOCK]
            chosen = _position(images[block[0]].content_sha256)
            if chosen < len(block):
                result[block[chosen]] = True
    return result


def _position(content_sha256: str) -> int:
    return int.from_bytes(hashlib.sha256(content_sha256.encode()).digest()[:8]) % BLOCK
