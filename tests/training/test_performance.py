"""Figures on held-out images, on cases worked out by hand."""

import numpy as np
import pytest

from customvision.training.evaluation.cross_validation import CrossValidation
from customvision.training.evaluation.measures import average_precision
from customvision.training.evaluation.performance import Evaluation
from customvision.vision.artifacts import ArtifactInvalid, array_bytes, pack
from evaluation_service import evaluation


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


def test_artifact_keeps_what_is_optional() -> None:
    """Uncalibrated probabilities and figures over folds come back from the artifact."""
    folds = CrossValidation(5, 0.8, 0.05, 0.85, 0.04)
    uncalibrated = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    case = evaluation([[1, 0], [0, 1]], [[0.9, 0.1], [0.3, 0.7]], uncalibrated=uncalibrated, cross_validation=folds)
    read = Evaluation.from_bytes(case.to_bytes())
    assert read.cross_validation == folds
    assert read.performance().cross_validation == folds
    assert read.performance().calibration.uncalibrated_error == 0.0
    assert read.performance().calibration.expected_calibration_error == pytest.approx(0.2)


def test_artifacts_of_older_versions_are_read() -> None:
    """An artifact without the optional parts is read, and its figures are as they were."""
    case = evaluation([[1, 0], [0, 1]], [[0.9, 0.1], [0.3, 0.7]])
    manifest = {
        "kind": "evaluation", "tag_ids": ["a", "b"], "tag_names": ["A", "B"], "image_counts": [10, 10],
        "multilabel": False,
    }  # fmt: skip
    files = {
        "image_ids.json": b'["0", "1"]',
        "truth.npy": array_bytes(case.truth),
        "probabilities.npy": array_bytes(case.probabilities),
    }
    read = Evaluation.from_bytes(pack(manifest, files))
    assert read.performance() == case.performance()
    assert read.performance().cross_validation is None


def test_confusion_counts_images_by_true_and_likeliest_tag() -> None:
    """Rows of the confusion matrix are true tags, columns the likeliest ones; multilabel has none."""
    truth = [[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    probabilities = [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.5, 0.4], [0.5, 0.2, 0.3]]
    assert evaluation(truth, probabilities).performance().confusion == ((1, 1, 0), (0, 1, 0), (1, 0, 0))
    assert evaluation(truth, probabilities, multilabel=True).performance().confusion is None


def test_no_held_out_image_at_all() -> None:
    """Figures of nothing are zero, not an error."""
    empty = Evaluation(
        (), ("a",), ("A",), (3,), multilabel=False, truth=np.zeros((0, 1), np.uint8),
        probabilities=np.zeros((0, 1), np.float32),
    )  # fmt: skip
    assert empty.performance().overall.held_out_image_count == 0
    assert empty.performance().overall.accuracy == 0.0
    assert empty.performance().confusion == ((0,),)
