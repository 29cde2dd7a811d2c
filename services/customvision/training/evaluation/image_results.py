"""What a model answers to each image, for people to look at: the surest errors first, or by age."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from customvision.training.evaluation.measures import DEFAULT_THRESHOLD, Decisions
from customvision.training.evaluation.performance import Evaluation
from customvision.training.evaluation.result_filter import ResultFilter, ResultOrder, TagNotInIteration

Scores = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class TagAnswer:
    """How likely one tag is, 0 to 1."""

    tag_id: str
    tag_name: str
    probability: float


@dataclass(frozen=True)
class ImageResult:
    """The answer to one image: the tags that it carries, and all tags, likeliest first. ``right`` as of right_rows."""

    image_id: str
    tag_ids: tuple[str, ...]
    predictions: tuple[TagAnswer, ...]
    right: bool


def right_rows(evaluation: Evaluation, threshold: float = DEFAULT_THRESHOLD) -> Decisions:
    """Returns bool[n]: multiclass, the likeliest tag is the image's; multilabel, all tags are on their side."""
    if evaluation.multilabel:
        right: Decisions = ((evaluation.probabilities >= threshold) == (evaluation.truth > 0)).all(axis=1)
    else:
        rows = np.arange(len(evaluation.truth))
        right = evaluation.truth[rows, evaluation.probabilities.argmax(axis=1)] > 0
    return right


def tag_position(evaluation: Evaluation, tag_id: str, field: str) -> int:
    """Returns which of the iteration's tags it is. Raises TagNotInIteration, with the request's ``field``."""
    if tag_id not in evaluation.tag_ids:
        raise TagNotInIteration(
            f"{field} is '{tag_id}', which is no tag of the iteration; GetPerformance lists its tags.",
            metadata={"tag_id": tag_id},
            field=field,
        )
    return evaluation.tag_ids.index(tag_id)


def wanted_rows(evaluation: Evaluation, threshold: float, wanted: ResultFilter) -> list[int]:
    """Returns the rows that are wanted, in the order that is wanted. Raises TagNotInIteration."""
    right = right_rows(evaluation, threshold)
    kept = ~right if wanted.wrong_only else np.ones(len(right), dtype=np.bool_)
    if wanted.tag_id:
        kept &= evaluation.truth[:, tag_position(evaluation, wanted.tag_id, "tag_id")] > 0
    if wanted.taken_for_tag_id:
        taken_for = tag_position(evaluation, wanted.taken_for_tag_id, "taken_for_tag_id")
        kept &= evaluation.probabilities.argmax(axis=1) == taken_for
    if wanted.tag_ids:
        any_of = [tag_position(evaluation, tag_id, "tag_ids") for tag_id in wanted.tag_ids]
        kept &= (evaluation.truth[:, any_of] > 0).any(axis=1)
    if wanted.wrong_tag_id:
        wrong = tag_position(evaluation, wanted.wrong_tag_id, "wrong_tag_id")
        kept &= _given(evaluation, threshold)[:, wrong] != (evaluation.truth[:, wrong] > 0)
    return [int(row) for row in _ordered_rows(evaluation, threshold, right, wanted.order) if kept[row]]


def results_at(
    evaluation: Evaluation, rows: Sequence[int], threshold: float, *, likeliest: int | None = None
) -> Iterator[ImageResult]:
    """Yields the results of these rows, each with its ``likeliest`` tags, or with all."""
    right = right_rows(evaluation, threshold)
    for row in rows:
        order = np.argsort(-evaluation.probabilities[row], kind="stable")[:likeliest]
        yield ImageResult(
            image_id=evaluation.image_ids[row],
            tag_ids=tuple(evaluation.tag_ids[tag] for tag in np.flatnonzero(evaluation.truth[row])),
            predictions=tuple(
                TagAnswer(evaluation.tag_ids[tag], evaluation.tag_names[tag], float(evaluation.probabilities[row, tag]))
                for tag in order
            ),
            right=bool(right[row]),
        )


def _given(evaluation: Evaluation, threshold: float) -> Decisions:
    """Returns bool[n, t]: multiclass, the likeliest tag alone is given; multilabel, all from the threshold on."""
    given: Decisions = evaluation.probabilities >= threshold
    if not evaluation.multilabel:
        given = evaluation.probabilities.argmax(axis=1)[:, None] == np.arange(len(evaluation.tag_ids))
    return given


def _ordered_rows(evaluation: Evaluation, threshold: float, right: Decisions, order: ResultOrder) -> Rows:
    """Returns all rows: wrong ones by how sure the wrong answer is, then right ones by least margin; or by age."""
    if order is ResultOrder.SUREST_ERRORS_FIRST:
        sureness, margin = _sureness_and_margin(evaluation, threshold, right)
        return np.lexsort((np.where(right, margin, -sureness), right))
    # An evaluation has its images in the order of the data set, which is that of their creation.
    rows = np.arange(len(right))
    return rows if order is ResultOrder.OLDEST_FIRST else rows[::-1]


def _sureness_and_margin(evaluation: Evaluation, threshold: float, right: Decisions) -> tuple[Scores, Scores]:
    """Returns float[n] twice: how sure the surest wrong answer is, and how near a right one was to being wrong."""
    probabilities = evaluation.probabilities
    if not len(right):
        return np.zeros(0, np.float32), np.zeros(0, np.float32)
    if evaluation.multilabel:
        said = probabilities >= threshold
        wrong = said != (evaluation.truth > 0)
        sureness = np.where(said, probabilities, 1 - probabilities)
        return (sureness * wrong).max(axis=1), np.abs(probabilities - threshold).min(axis=1)
    ordered = np.sort(probabilities, axis=1)
    second = ordered[:, -2] if ordered.shape[1] > 1 else np.zeros(len(right), np.float32)
    return ordered[:, -1], ordered[:, -1] - second
