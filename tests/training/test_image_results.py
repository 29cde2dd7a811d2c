"""Results image by image: their order, what is right, and filters."""

import pytest

from customvision.training.evaluation.image_results import results_at, wanted_rows
from customvision.training.evaluation.result_filter import ResultFilter, ResultOrder, TagNotInIteration
from evaluation_service import evaluation

CASE = evaluation(
    [[1, 0], [1, 0], [0, 1], [0, 1], [1, 0]],
    [[0.9, 0.1], [0.4, 0.6], [0.95, 0.05], [0.45, 0.55], [0.8, 0.2]],
)


def test_surest_errors_come_first() -> None:
    """Wrong images come first, those with the surest wrong answer before others; then right ones by least margin."""
    rows = wanted_rows(CASE, 0.5, ResultFilter())
    assert rows == [2, 1, 3, 4, 0]
    results = list(results_at(CASE, rows, 0.5))
    assert [result.right for result in results] == [False, False, True, True, True]
    assert (results[0].image_id, results[0].tag_ids) == ("2", ("b",))
    assert [(answer.tag_name, round(answer.probability, 2)) for answer in results[0].predictions] == [
        ("A", 0.95), ("B", 0.05),
    ]  # fmt: skip


def test_a_cell_of_the_confusion_matrix_can_be_opened() -> None:
    """The filters by true tag and by the tag taken for it give the images that the cell counts."""
    confusion = CASE.performance().confusion
    assert confusion == ((2, 1), (1, 1))
    for truth, tag_id in enumerate("ab"):
        for taken_for, taken_for_id in enumerate("ab"):
            rows = wanted_rows(CASE, 0.5, ResultFilter(tag_id=tag_id, taken_for_tag_id=taken_for_id))
            assert len(rows) == confusion[truth][taken_for]
    assert wanted_rows(CASE, 0.5, ResultFilter(wrong_only=True)) == [2, 1]


def test_images_of_any_tag_are_found_together() -> None:
    """Several tags give the images that carry one of them at least, within what the other filters leave."""
    case = evaluation([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]], [[0.9, 0.1, 0.2]] * 4, multilabel=True)
    by_age = ResultOrder.OLDEST_FIRST
    assert wanted_rows(case, 0.5, ResultFilter(tag_ids=("a", "b"), order=by_age)) == [0, 1, 3]
    assert wanted_rows(case, 0.5, ResultFilter(tag_ids=("a", "c"), order=by_age)) == [0, 2, 3]
    assert wanted_rows(case, 0.5, ResultFilter(tag_ids=("a", "c"), wrong_only=True, order=by_age)) == [2, 3]
    assert wanted_rows(case, 0.5, ResultFilter(tag_id="b", tag_ids=("a",), order=by_age)) == [3]


def test_images_of_which_one_tag_was_told_wrong_are_found() -> None:
    """A tag is wrong where it is missed and where it is given without reason; other tags do not count."""
    scores = [[0.9, 0.4], [0.7, 0.9], [0.1, 0.2]]
    case = evaluation([[1, 1], [0, 1], [1, 0]], scores, multilabel=True)
    by_age = ResultOrder.OLDEST_FIRST
    assert wanted_rows(case, 0.5, ResultFilter(wrong_tag_id="a", order=by_age)) == [1, 2]
    assert wanted_rows(case, 0.8, ResultFilter(wrong_tag_id="a", order=by_age)) == [2]
    assert wanted_rows(case, 0.5, ResultFilter(wrong_tag_id="b", order=by_age)) == [0]
    one_each = evaluation([[1, 0, 0], [0, 1, 0]], [[0.2, 0.5, 0.3], [0.1, 0.8, 0.1]])
    assert wanted_rows(one_each, 0.9, ResultFilter(wrong_tag_id="b")) == [0]
    assert wanted_rows(one_each, 0.9, ResultFilter(wrong_tag_id="c")) == []


def test_results_can_be_ordered_by_age() -> None:
    """By age the images stand as in the data set, or the other way round, whether they were told right or wrong."""
    assert wanted_rows(CASE, 0.5, ResultFilter(order=ResultOrder.OLDEST_FIRST)) == [0, 1, 2, 3, 4]
    assert wanted_rows(CASE, 0.5, ResultFilter(order=ResultOrder.NEWEST_FIRST, wrong_only=True)) == [2, 1]


def test_multilabel_is_right_where_every_tag_is() -> None:
    """In multilabel one tag on the wrong side of the threshold makes an image wrong, and the threshold decides."""
    case = evaluation([[1, 1], [0, 1], [0, 0]], [[0.9, 0.4], [0.7, 0.9], [0.1, 0.2]], multilabel=True)
    assert wanted_rows(case, 0.5, ResultFilter()) == [1, 0, 2]
    assert [result.right for result in results_at(case, [0, 1, 2], 0.5)] == [False, False, True]
    assert [result.right for result in results_at(case, [0, 1, 2], 0.4)] == [True, False, True]
    assert [result.right for result in results_at(case, [0, 1, 2], 0.75)] == [False, True, True]


def test_unknown_tag_is_refused() -> None:
    """A filter by a tag that the iteration does not know says so and names its field."""
    with pytest.raises(TagNotInIteration, match="'z'") as caught:
        wanted_rows(CASE, 0.5, ResultFilter(taken_for_tag_id="z"))
    assert caught.value.field == "taken_for_tag_id"


def test_one_tag_and_no_image_are_no_trouble() -> None:
    """A model of one tag ranks its images; an evaluation without images has no results."""
    single = evaluation([[1], [1]], [[0.9], [0.8]])
    assert wanted_rows(single, 0.5, ResultFilter()) == [1, 0]
    none = evaluation([[1, 0]], [[0.9, 0.1]])
    assert wanted_rows(type(none)(**{**vars(none), "truth": none.truth[:0], "probabilities": none.probabilities[:0]}),
                       0.5, ResultFilter()) == []  # fmt: skip
