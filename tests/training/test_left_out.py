"""Which images are left out together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customvision.training.computation import left_out
from customvision.training.computation.calibration import Truth
from customvision.training.computation.left_out import (
    FOLDS,
    NO_FOLD,
    even_share,
    folds_of,
    honest_folds,
    left_out_together,
)


def truth_of(tag_of: object) -> Truth:
    """Returns uint8[n, t] for a tag of each image."""
    tags = np.asarray(tag_of)
    truth: Truth = np.eye(tags.max() + 1, dtype=np.uint8)[tags]
    return truth


def test_groups_go_by_their_first_image() -> None:
    """Images of equal numbers, whatever these are and across tags, are left out with the first of them."""
    together = left_out_together(truth_of([0, 0, 1, 1, 0, 1, 0, 1]), np.array([7, 3, 9, 3, 7, 2, 1, 0]))
    assert together.tolist() == [0, 1, 2, 1, 0, 5, 6, 7]


def test_what_makes_up_most_of_a_tag_falls_apart() -> None:
    """A group that holds more than half of a tag's images is left out image by image; one that holds half is not."""
    assert left_out_together(truth_of([0, 0, 0, 1, 1, 1, 1]), np.array([1, 1, 0, 2, 2, 3, 4])).tolist() == [
        *[0, 1, 2],
        *[3, 3, 5, 6],
    ]
    # A group of two tags, most of one of them.
    assert left_out_together(truth_of([0, 0, 0, 0, 1, 1]), np.array([1, 2, 3, 9, 9, 9])).tolist() == [0, 1, 2, 3, 4, 5]


def test_what_is_too_large_to_be_left_out_falls_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A group beyond the limit, such as all that one camera saw, is left out image by image."""
    groups = np.array([5] * 4 + [*range(6, 14)])
    assert left_out_together(truth_of([0] * 12), groups)[3] == 0
    monkeypatch.setattr(left_out, "LARGEST_GROUP", 3)
    assert left_out_together(truth_of([0] * 12), groups).tolist() == list(range(12))


def test_what_makes_up_most_of_a_tag_is_in_no_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tag of images that look alike is in no fold, for folds would flatter it; other large groups are in one each."""
    truth = truth_of([0] * 8 + [1] * 10 + [2] * 3)
    groups = np.array([0] * 8 + [50] * 5 + [51, 52, 53, 54, 55] + [60, 60, 61])
    folds = honest_folds(truth, groups)
    assert (folds[:8] == NO_FOLD).all() and folds[18:20].tolist() == [NO_FOLD] * 2
    assert len(set(folds[8:13])) == 1 and (folds[8:18] != NO_FOLD).all() and folds[20] != NO_FOLD
    monkeypatch.setattr(left_out, "LARGEST_GROUP", 3)
    assert honest_folds(truth, groups).tolist() == folds.tolist()


def test_an_even_share_of_each_tag_is_asked() -> None:
    """Of many images about as many as the limit are asked, in order, and a rare tag keeps enough for every fold."""
    truth = truth_of([0] * 6000 + [1] * 2990 + [2] * 10)
    rows = even_share(truth, 1500)
    assert list(rows) == sorted(set(rows))
    counts = truth[rows].sum(axis=0)
    assert 1450 <= len(rows) <= 1550
    assert counts[0] / counts[1] == pytest.approx(2, abs=0.1)
    assert counts[2] == FOLDS
    assert list(even_share(truth[:300], 1500)) == list(range(300))


@given(
    tag_of=st.lists(st.integers(0, 3), min_size=20, max_size=120),
    seed=st.integers(0, 100),
    limit=st.integers(5, 60),
)
@settings(max_examples=80, deadline=None)
def test_nothing_that_is_together_is_parted(tag_of: list[int], seed: int, limit: int) -> None:
    """A group is asked as a whole or not at all, and lies in one fold; every tag is asked and spread over folds."""
    truth = truth_of(tag_of)
    together = left_out_together(truth, np.random.default_rng(seed).integers(0, len(tag_of) // 2, len(tag_of)))
    asked = set(even_share(truth, limit, together).tolist())
    folds = folds_of(truth, together)
    for first in np.unique(together):
        members = np.flatnonzero(together == first)
        assert len(set(members.tolist()) & asked) in (0, len(members))
        assert len(set(folds[members])) == 1
    firsts = np.unique(together)
    for tag in np.unique(truth[firsts].argmax(axis=1)):
        own = firsts[truth[firsts, tag] == 1]
        assert set(own.tolist()) & asked
        counts = np.bincount(folds[own], minlength=FOLDS)
        assert counts.max() - counts.min() <= 1
