"""Figures on held-out images, on cases worked out by hand."""

import numpy as np
import pytest

from customvision.training.performance import Evaluation, average_precision
from customvision.vision.artifacts import ArtifactInvalid


def evaluation(truth: list[list[int]], probabilities: list[list[float]], *, multilabel: bool = False) -> Evaluation:
    """Returns an evaluation of tags a, b, … on images 0, 1, …"""
    tags = tuple("abcd"[: len(truth[0])])
    return Evaluation(
        image_ids=tuple(str(number) for number in range(len(truth))),
        tag_ids=tags,
        tag_names=tuple(tag.upper() for tag in tags),
        image_counts=tuple(10 for _ in tags),
        multilabel=multilabel,
        truth=np.array(truth, np.uint8),
        probabilities=np.array(probabilities, np.float32),
    )


def test_shares_are_over_all_pairs_of_image_and_tag() -> None:
    """Overall precision and recall count every image and tag once; below the threshold nothing is predicted."""
    case = evaluation([[1, 0], [1, 0], [0, 1], [0, 1]], [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.55, 0.45]])
    overall = case.performance(0.5).overall
    assert (overall.precision, overall.recall, overall.accuracy) == (0.5, 0.5, 0.5)
    strict = case.performance(0.85)
    assert (strict.overall.precision, strict.overall.recall) == (1.0, 0.25)
    assert [(tag.precision, tag.recall) for tag in strict.tags] == [(1.0, 0.5), (0.0, 0.0)]
    assert strict.overall.held_out_image_count == 4
    assert [tag.held_out_image_count for tag in strict.tags] == [2, 2]


def test_threshold_itself_counts() -> None:
    """A probability equal to the threshold is a prediction, and at 0 everything is."""
    case = evaluation([[1, 0]], [[0.5, 0.5]])
    assert case.performance(0.5).overall.recall == 1.0
    assert case.performance(0.0).overall.precision == 0.5


@pytest.mark.parametrize(
    ("present", "scores", "expected"),
    [
        ([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1], 1.0),
        ([0, 0, 1], [0.9, 0.8, 0.1], 1 / 3),
        # Found at ranks 1 and 3: half the recall at precision 1, half at 2/3.
        ([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1], 0.5 + 0.5 * 2 / 3),
        # Equal scores come together: no order among them may be made up.
        ([1, 0], [0.5, 0.5], 0.5),
        ([0, 0], [0.5, 0.4], 0.0),
    ],
)
def test_average_precision(present: list[int], scores: list[float], expected: float) -> None:
    """The area under the precision-recall curve is taken in steps."""
    measured = average_precision(np.array(present, bool), np.array(scores, np.float32))
    assert measured == pytest.approx(expected)


def test_mean_leaves_out_tags_without_held_out_images() -> None:
    """A tag that no held-out image carries does not pull the mean down."""
    case = evaluation([[1, 0, 0], [0, 1, 0]], [[0.9, 0.1, 0.0], [0.1, 0.9, 0.0]])
    assert case.performance().overall.average_precision == 1.0
    assert case.performance().tags[2].average_precision == 0.0


def test_multilabel_accuracy_counts_every_answer() -> None:
    """In multilabel, accuracy is the share of right yes/no answers."""
    case = evaluation([[1, 1], [0, 1]], [[0.9, 0.2], [0.1, 0.9]], multilabel=True)
    assert case.performance().overall.accuracy == 0.75


def test_artifact_round_trip() -> None:
    """What is written is read again, equal content gives equal bytes, and damage is noticed."""
    case = evaluation([[1, 0], [0, 1]], [[0.9, 0.1], [0.3, 0.7]])
    data = case.to_bytes()
    assert data == case.to_bytes()
    assert Evaluation.from_bytes(data).performance(0.4) == case.performance(0.4)
    with pytest.raises(ArtifactInvalid):
        Evaluation.from_bytes(data[:-40])


def test_no_held_out_image_at_all() -> None:
    """Figures of nothing are zero, not an error."""
    empty = Evaluation(
        (), ("a",), ("A",), (3,), multilabel=False, truth=np.zeros((0, 1), np.uint8),
        probabilities=np.zeros((0, 1), np.float32),
    )  # fmt: skip
    assert empty.performance().overall.held_out_image_count == 0
    assert empty.performance().overall.accuracy == 0.0
