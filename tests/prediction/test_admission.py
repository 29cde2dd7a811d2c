"""Who may wait for an answer."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customvision.common.authentication import Role
from customvision.prediction.admission import Admission, Holder, Share
from customvision.prediction.errors import PredictionQueueFull

PREDICTION, TRAINING = Role.PREDICTION, Role.TRAINING


def filled(admission: Admission, stack: contextlib.ExitStack, role: Role, project_id: str, size: int = 0) -> int:
    """Has a project take all places that it gets, and returns how many those are."""
    count = 0
    with contextlib.suppress(PredictionQueueFull):
        while True:
            stack.enter_context(admission.place(role, project_id, size, lambda: 1.5))
            count += 1
    return count


def test_alone_a_project_gets_half_of_what_its_key_may_hold() -> None:
    """Of 160 places a key may hold 120; the next project gets half of what is left of them, and so on."""
    with contextlib.ExitStack() as stack:
        admission = Admission(160)
        assert [filled(admission, stack, PREDICTION, project_id) for project_id in "abc"] == [60, 30, 15]
        assert admission.places.held == 105
    assert admission.places.held == 0


def test_the_prediction_key_cannot_shut_the_training_key_out() -> None:
    """However many projects ask with the prediction key, the training key has places, in each of them."""
    with contextlib.ExitStack() as stack:
        admission = Admission(160)
        assert sum(filled(admission, stack, PREDICTION, f"project {number}") for number in range(200)) == 119
        assert filled(admission, stack, TRAINING, "project 0") == 20


def test_bytes_are_shared_like_places() -> None:
    """Large images are refused while small ones, and other projects, have room."""
    with contextlib.ExitStack() as stack:
        admission = Admission(160, max_bytes=160)
        assert filled(admission, stack, PREDICTION, "a", size=20) == 3
        assert filled(admission, stack, PREDICTION, "b", size=20) == 1
        stack.enter_context(admission.place(PREDICTION, "b", 5, lambda: 0.0))


def test_a_refusal_says_when_to_come_back_and_is_counted() -> None:
    """The error names how many wait, of the project too, and the seconds."""
    with contextlib.ExitStack() as stack:
        admission = Admission(16)
        filled(admission, stack, PREDICTION, "a")
        with pytest.raises(PredictionQueueFull, match=r"try again in 1.5 seconds") as refusal:
            stack.enter_context(admission.place(PREDICTION, "a", 0, lambda: 1.5))
        assert refusal.value.metadata == {"waiting": "6", "waiting_of_project": "6"}
        assert refusal.value.retry_after == 1.5
        assert admission.refused_count == 2


def test_a_place_is_given_back_on_an_error() -> None:
    """Whatever happens to a question, its place is free again."""
    admission = Admission(16)
    with pytest.raises(ValueError, match="damaged"), admission.place(PREDICTION, "a", 7, lambda: 0.0):
        raise ValueError("damaged")
    assert admission.places.held == 0


def test_a_key_that_holds_all_it_may_enters_no_more() -> None:
    """What nobody could be given a place for is refused before it is read; the other key enters."""
    with contextlib.ExitStack() as stack:
        admission = Admission(160)
        admission.check_entry(PREDICTION, lambda: 1.5)
        for number in range(200):
            filled(admission, stack, PREDICTION, f"project {number}")
        with pytest.raises(PredictionQueueFull, match=r"try again in 1.5 seconds"):
            admission.check_entry(PREDICTION, lambda: 1.5)
        admission.check_entry(TRAINING, lambda: 1.5)


@given(st.integers(1, 300), st.lists(st.tuples(st.sampled_from("tp"), st.sampled_from("abcd"), st.integers(0, 40))))
def test_limits_hold_whoever_asks(total: int, asked: list[tuple[str, str, int]]) -> None:
    """All together, a key and a project never hold more than they may, and giving all back leaves nothing."""
    share = Share(total)
    taken: list[tuple[Holder, int]] = []
    for key, project_id, amount in asked:
        holder = Holder(key, project_id)
        if share.has_room(holder, amount):
            share.take(holder, amount)
            taken.append((holder, amount))
        of_key = sum(amount for it, amount in taken if it.key == key)
        of_project = sum(amount for it, amount in taken if it == holder)
        assert share.held == sum(amount for _, amount in taken) <= total
        assert of_key <= total * 3 // 4
        assert share.held_by(holder) == of_project <= total * 3 // 4 / 2
    for holder, amount in taken:
        share.give_back(holder, amount)
    assert share.held == 0
    assert share._by_holder == {}
