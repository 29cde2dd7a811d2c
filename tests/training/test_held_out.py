"""Which images are held out."""

import hashlib
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from customvision.training.computation.held_out import Placement, held_out

placements = st.lists(
    st.builds(
        lambda number, tag: Placement(hashlib.sha256(str(number).encode()).hexdigest(), tag),
        st.integers(0, 10_000),
        st.integers(0, 3),
    ),
    max_size=60,
)


@given(placements, placements)
def test_images_added_later_move_none(before: list[Placement], added: list[Placement]) -> None:
    """An image keeps its place, held out or not, whatever is added after it."""
    assert held_out(before + added)[: len(before)] == held_out(before)


@given(placements)
def test_every_tag_gives_a_fifth(images: list[Placement]) -> None:
    """Each tag holds out one image of every full block of five, and at most one of the block begun."""
    counts = Counter(image.first_tag for image in images)
    chosen = Counter(image.first_tag for image, out in zip(images, held_out(images), strict=True) if out)
    for tag, count in counts.items():
        assert count // 5 <= chosen[tag] <= -(-count // 5)


def test_eighty_images_give_sixteen() -> None:
    """A tag of eighty images holds out exactly sixteen."""
    images = [Placement(hashlib.sha256(str(number).encode()).hexdigest(), 0) for number in range(80)]
    assert sum(held_out(images)) == 16


def test_position_differs_between_blocks() -> None:
    """It is not always the same position of a block that is held out: photos often come in series."""
    images = [Placement(hashlib.sha256(str(number).encode()).hexdigest(), 0) for number in range(200)]
    positions = {index % 5 for index, out in enumerate(held_out(images)) if out}
    assert len(positions) > 1
