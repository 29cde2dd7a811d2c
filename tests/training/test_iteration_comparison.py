"""Two iterations on the images that neither learned from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from customvision.training.evaluation.comparison import IterationsNotComparable, chance_probability, compare
from evaluation_service import evaluation

OLDER = evaluation(
    [[1, 0], [1, 0], [0, 1], [0, 1]],
    [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.7, 0.3]],
    image_ids=["p", "q", "r", "s"],
)


def test_improved_and_worsened_images_are_named() -> None:
    """Images that only one of two gets right are named, and both are measured on the images held out of both."""
    newer = evaluation(
        [[1, 0], [0, 1], [1, 0], [0, 1]],
        [[0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.1, 0.9]],
        image_ids=["q", "r", "t", "s"],
    )
    comparison = compare(newer, OLDER, 0.5)
    assert comparison.image_count == 3
    assert comparison.improved_image_ids == ("q", "s")
    assert comparison.worsened_image_ids == ("r",)
    assert comparison.metrics.accuracy == pytest.approx(2 / 3)
    assert comparison.other_metrics.accuracy == pytest.approx(1 / 3)
    assert comparison.metrics.held_out_image_count == comparison.other_metrics.held_out_image_count == 3
    assert comparison.chance_probability == 1.0
    back = compare(OLDER, newer, 0.5)
    assert (back.improved_image_ids, back.worsened_image_ids) == (("r",), ("q", "s"))


def test_tags_are_matched_by_id() -> None:
    """The order of tags does not matter, images of a tag that one does not know are left out, and a wrong answer with
    a tag that the other does not know counts against its model."""
    newer = evaluation(
        [[0, 0, 1], [0, 1, 0], [1, 0, 0]],
        [[0.1, 0.1, 0.8], [0.6, 0.3, 0.1], [0.9, 0.05, 0.05]],
        tags="cba",
        image_ids=["p", "r", "s"],
    )
    comparison = compare(newer, OLDER, 0.5)
    assert comparison.image_count == 2
    assert comparison.worsened_image_ids == ("r",)
    assert comparison.metrics.accuracy == 0.5
    assert comparison.other_metrics.accuracy == 1.0


def test_nothing_in_common_is_said() -> None:
    """Iterations that share no image, no tag or no classification type cannot be compared, each for its own reason."""
    elsewhere = evaluation([[1, 0]], [[0.9, 0.1]], image_ids=["x"])
    with pytest.raises(IterationsNotComparable, match="No image"):
        compare(elsewhere, OLDER, 0.5)
    with pytest.raises(IterationsNotComparable, match="no tag"):
        compare(evaluation([[1, 0]], [[0.9, 0.1]], tags="xy", image_ids=["p"]), OLDER, 0.5)
    with pytest.raises(IterationsNotComparable, match="classification type"):
        compare(evaluation([[1, 0]], [[0.9, 0.1]], multilabel=True, image_ids=["p"]), OLDER, 0.5)


@pytest.mark.parametrize(
    ("improved", "worsened", "expected"),
    [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 2 / 32), (6, 0, 2 / 64), (8, 2, 2 * (1 + 10 + 45) / 1024), (3, 3, 1.0)],
)
def test_chance_is_that_of_a_fair_coin(improved: int, worsened: int, expected: float) -> None:
    """The probability is the two-sided exact one of a binomial with one half."""
    assert chance_probability(improved, worsened) == pytest.approx(expected)


@given(st.integers(0, 60), st.integers(0, 60))
def test_chance_agrees_with_scipy(improved: int, worsened: int) -> None:
    """The probability is that of scipy's exact binomial test, and does not depend on the direction."""
    total = improved + worsened
    expected = binomtest(improved, total).pvalue if total else 1.0
    assert chance_probability(improved, worsened) == pytest.approx(expected)
    assert chance_probability(improved, worsened) == chance_probability(worsened, improved)


def test_large_counts_are_no_trouble() -> None:
    """Thousands of changed images neither overflow nor take long."""
    assert chance_probability(5000, 5000) == 1.0
    assert 0 <= chance_probability(6000, 4000) < 1e-80
