"""Which images are held out."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from customvision.training.computation.held_out import Placement, held_out, tags_hardly_learned, tags_not_measured

# Far from one another, bit by bit: looks that nearly equal none of the others.
LOOKS = [int.from_bytes(hashlib.sha256(str(number).encode()).digest()[:8]) | 1 for number in range(40)]


def digest(number: int) -> str:
    """Returns the digest of a content."""
    return hashlib.sha256(str(number).encode()).hexdigest()


def distinct(count: int, tag: int = 0, *, first: int = 0) -> list[Placement]:
    """Returns images of one tag that resemble no other."""
    return [Placement(digest(number), tag) for number in range(first, first + count)]


def alike(count: int, look: int, tag: int = 0, *, first: int = 0) -> list[Placement]:
    """Returns images of one tag with different bytes that look the same."""
    return [Placement(digest(10_000 * look + number), tag, LOOKS[look]) for number in range(first, first + count)]


plain = st.builds(lambda number, tag: Placement(digest(number), tag), st.integers(0, 10_000), st.integers(0, 3))
looking = st.builds(
    lambda number, tag, look: Placement(digest(number), tag, LOOKS[look]),
    st.integers(0, 10_000),
    st.integers(0, 3),
    st.integers(0, 39),
)
placements = st.lists(plain | looking, max_size=60)
bursts = st.lists(st.tuples(st.integers(0, 39), st.integers(1, 6)), max_size=40, unique_by=lambda burst: burst[0])


@settings(deadline=None)
@given(placements, placements)
def test_images_added_later_move_none(before: list[Placement], added: list[Placement]) -> None:
    """An image keeps its place, held out or not, whatever is added after it."""
    assert held_out(before + added)[: len(before)] == held_out(before)


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), max_size=80))
def test_every_tag_gives_a_fifth(tags: list[int]) -> None:
    """Of distinct images, each tag holds out one of every full block of five, and at most one of the block begun."""
    images = [Placement(digest(number), tag) for number, tag in enumerate(tags)]
    counts = Counter(tags)
    chosen = Counter(image.first_tag for image, out in zip(images, held_out(images), strict=True) if out)
    for tag, count in counts.items():
        assert count // 5 <= chosen[tag] <= -(-count // 5)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 15)), max_size=60))
def test_near_duplicates_stay_on_one_side(tags_and_looks: list[tuple[int, int]]) -> None:
    """Images that look the same are on one side, but for a tag that would have fewer than two to learn from."""
    images = [Placement(digest(number), tag, LOOKS[look]) for number, (tag, look) in enumerate(tags_and_looks)]
    places = held_out(images)
    first_of: dict[int | None, int] = {}
    learned: Counter[int] = Counter()
    for index, image in enumerate(images):
        first = first_of.setdefault(image.difference_hash, index)
        if images[first].first_tag == image.first_tag or learned[image.first_tag] >= 2:
            assert places[index] == places[first]
        learned[image.first_tag] += not places[index]


@settings(deadline=None)
@given(placements)
def test_every_tag_can_be_learned(images: list[Placement]) -> None:
    """A tag with two images has two to learn from, whatever they look like."""
    learned = Counter(image.first_tag for image, out in zip(images, held_out(images), strict=True) if not out)
    for tag, count in Counter(image.first_tag for image in images).items():
        assert learned[tag] >= min(count, 2)


@settings(deadline=None)
@given(placements)
def test_five_distinct_images_are_measured(images: list[Placement]) -> None:
    """A tag with five images that resemble no earlier one holds out one at least."""
    fresh: defaultdict[int, int] = defaultdict(int)
    seen: set[str | int] = set()
    for image in images:
        marks = {image.content_sha256} | ({image.difference_hash} if image.difference_hash is not None else set())
        fresh[image.first_tag] += not marks & seen
        seen |= marks
    chosen = Counter(image.first_tag for image, out in zip(images, held_out(images), strict=True) if out)
    for tag, count in fresh.items():
        assert chosen[tag] >= (count >= 5)


@settings(deadline=None)
@given(bursts)
def test_bursts_leave_a_fifth(series: Sequence[tuple[int, int]]) -> None:
    """Where photos come in bursts of the same scene, a fifth is held out, as nearly as whole bursts allow."""
    images = [image for look, count in series for image in alike(count, look)]
    largest = max((count for _, count in series), default=0)
    assert abs(sum(held_out(images)) - len(images) / 5) <= largest


def test_eighty_images_give_sixteen() -> None:
    """A tag of eighty images holds out exactly sixteen."""
    assert sum(held_out(distinct(80))) == 16


def test_position_differs_between_blocks() -> None:
    """It is not always the same position of a block that is held out: photos often come in series."""
    positions = {index % 5 for index, out in enumerate(held_out(distinct(200))) if out}
    assert len(positions) > 1


def test_a_tag_of_near_duplicates_is_learned_and_not_measured() -> None:
    """A tag whose images all look the same holds out none, is told as not measured, and troubles no other tag."""
    images = alike(20, 0, tag=0) + distinct(20, tag=1, first=500)
    places = held_out(images)
    assert not any(places[:20])
    assert sum(places[20:]) == 4
    assert tags_not_measured([(image.first_tag,) for image in images], places) == [0]
    assert tags_not_measured([(0, 1)] * 40, places) == []


def test_a_tag_that_is_held_out_for_the_most_part_is_told() -> None:
    """Where most images of a tag look like one that is held out, the tag is named; a fifth held out is as it should."""
    images = distinct(20, tag=0) + alike(5, 1, tag=1) + distinct(1, tag=1, first=500) + alike(28, 2, tag=1)
    places = held_out(images)
    assert places[20:] == [False] * 6 + [True] * 28
    assert tags_hardly_learned([(image.first_tag,) for image in images], places) == [1]
    assert tags_hardly_learned([(0, 1), (0,)], [True, False]) == [1]


def test_a_near_duplicate_joins_the_earliest() -> None:
    """A copy goes where the image that it resembles is, however much later it comes."""
    images = [Placement(digest(number), 0, LOOKS[number]) for number in range(20)]
    places = held_out(images)
    for number, image in enumerate(images):
        # Three bits differ, as after saving again.
        copy = Placement(digest(500 + number), 0, (image.difference_hash or 0) ^ 0b111 << 20)
        assert held_out([*images, copy])[-1] == places[number]
