"""Two models held against each other on the images that neither learned from."""

from dataclasses import dataclass, replace

import numpy as np

from customvision.common.errors import FailedPrecondition
from customvision.training.evaluation.image_results import right_rows
from customvision.training.evaluation.measures import Decisions, Truth
from customvision.training.evaluation.performance import Evaluation
from customvision.training.runs.event import Metrics


class IterationsNotComparable(FailedPrecondition):
    """The two iterations have nothing that both could be measured on."""

    reason = "ITERATIONS_NOT_COMPARABLE"


@dataclass(frozen=True)
class Comparison:
    """Both sides' figures on the same images, the images that they differ on, and whether that may be chance.

    ``chance_probability``, 0 to 1, is that of a split of improved and worsened images at least as lopsided among
    models that are equally good.
    """

    image_count: int
    metrics: Metrics
    other_metrics: Metrics
    improved_image_ids: tuple[str, ...]
    worsened_image_ids: tuple[str, ...]
    chance_probability: float


def compare(evaluation: Evaluation, other: Evaluation, threshold: float) -> Comparison:
    """Compares on the images that are held out of both and carry only tags that both know.

    Their true tags are those that the first iteration was trained with; each side answers with all tags that it
    knows, as it does in service. Raises IterationsNotComparable.
    """
    one_side, other_side = _on_common_images(evaluation, other)
    right, other_right = right_rows(one_side, threshold), right_rows(other_side, threshold)
    improved = _ids_at(one_side, right & ~other_right)
    worsened = _ids_at(one_side, other_right & ~right)
    return Comparison(
        image_count=len(one_side.image_ids),
        metrics=one_side.performance(threshold).overall,
        other_metrics=other_side.performance(threshold).overall,
        improved_image_ids=improved,
        worsened_image_ids=worsened,
        chance_probability=chance_probability(len(improved), len(worsened)),
    )


def chance_probability(improved: int, worsened: int) -> float:
    """Returns the two-sided exact McNemar probability: that of so lopsided a split of tosses of a fair coin."""
    tosses = improved + worsened
    term = total = 1
    for heads in range(min(improved, worsened)):
        term = term * (tosses - heads) // (heads + 1)
        total += term
    return min(1.0, float(2 * total / 2**tosses))


def _ids_at(evaluation: Evaluation, rows: Decisions) -> tuple[str, ...]:
    return tuple(evaluation.image_ids[row] for row in np.flatnonzero(rows))


def _on_common_images(evaluation: Evaluation, other: Evaluation) -> tuple[Evaluation, Evaluation]:
    if evaluation.multilabel != other.multilabel:
        raise IterationsNotComparable(
            "One iteration gives an image one tag and the other several; compare iterations of one classification type."
        )
    common = [tag_id for tag_id in evaluation.tag_ids if tag_id in set(other.tag_ids)]
    if not common:
        raise IterationsNotComparable("The two iterations share no tag; compare iterations that know the same classes.")
    columns = [evaluation.tag_ids.index(tag_id) for tag_id in common]
    other_columns = [other.tag_ids.index(tag_id) for tag_id in common]
    known = evaluation.truth[:, columns].sum(axis=1) == evaluation.truth.sum(axis=1)
    place_in_other = {image_id: row for row, image_id in enumerate(other.image_ids)}
    rows = [row for row, image_id in enumerate(evaluation.image_ids) if known[row] and image_id in place_in_other]
    if not rows:
        raise IterationsNotComparable(
            "No image is held out of both iterations; train again, so that both are measured on the same images."
        )
    other_rows = [place_in_other[evaluation.image_ids[row]] for row in rows]
    other_truth = np.zeros((len(rows), len(other.tag_ids)), np.uint8)
    other_truth[:, other_columns] = evaluation.truth[np.ix_(rows, columns)]
    image_ids = tuple(evaluation.image_ids[row] for row in rows)
    return (
        _part(evaluation, image_ids, evaluation.truth[rows], rows),
        _part(other, image_ids, other_truth, other_rows),
    )


def _part(evaluation: Evaluation, image_ids: tuple[str, ...], truth: Truth, rows: list[int]) -> Evaluation:
    probabilities = evaluation.probabilities[rows]
    return replace(evaluation, image_ids=image_ids, truth=truth, probabilities=probabilities, uncalibrated=None)
