"""Curves of precision over recall, drawn from few points."""

import numpy as np
import pytest

from customvision.training.evaluation.measures import precision_recall_curve
from customvision.training.evaluation.precision_recall import MOST_POINTS, curve_points
from evaluation_service import evaluation


def test_of_many_points_those_are_kept_that_show_the_shape() -> None:
    """Of 40,000 points some hundreds are left, both ends among them, and between them the whole curve stays near."""
    random = np.random.default_rng(1)
    truth = np.eye(2, dtype=np.uint8)[random.integers(0, 2, 20_000)]
    scores = np.clip(truth * 0.4 + random.random(truth.shape) * 0.6, 0, 1).astype(np.float32)
    points = curve_points(evaluation(truth.tolist(), scores.tolist()))
    whole = precision_recall_curve(truth.ravel() > 0, scores.ravel())
    assert len(whole.recall) > 20_000 > MOST_POINTS >= len(points) > MOST_POINTS / 4
    assert (points[0].threshold, points[-1].threshold) == (whole.thresholds[0], whole.thresholds[-1])
    below_all = whole.recall < 1
    drawn = np.interp(
        whole.recall[below_all], [point.recall for point in points], [point.precision for point in points]
    )
    assert np.abs(drawn - whole.precision[below_all]).max() < 0.02


@pytest.mark.parametrize("tag_id", ["", "b"])
def test_without_anything_held_out_there_is_no_curve(tag_id: str) -> None:
    """Where no held-out image carries a tag, there are no points."""
    case = evaluation([[0, 0]], [[0.5, 0.2]], multilabel=True)
    assert curve_points(case, tag_id) == ()
