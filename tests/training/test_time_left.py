"""How much longer fine-tuning is said to take, by a clock that the test turns."""

import pytest

from customvision.training.computation.fine_tuning import time_left
from customvision.training.computation.fine_tuning.time_left import SECONDS_AFTERWARDS, TimeLeft

TO_START, EACH = 4.0, 0.5


class Clock:
    """A clock that only goes on when it is told to, and the budget that runs down with it."""

    def __init__(self, budget: float) -> None:
        self.now, self.budget = 100.0, budget

    def monotonic(self) -> float:
        """Returns the seconds on the clock."""
        return self.now

    def left(self) -> float:
        """Returns what is left of the budget."""
        return self.budget - (self.now - 100.0)


def told_over(clock: Clock, left: TimeLeft, courses: list[int]) -> list[float | None]:
    """Goes through courses of so many batches and returns what was told after each batch."""
    told = []
    for number, batches in enumerate(courses):
        left.begin(batches, courses[number + 1 :])
        for batch in range(1, batches + 1):
            clock.now += TO_START if (number, batch) == (0, 1) else EACH
            left.reached(batch)
            told.append(left.seconds(most_of_course=1000.0))
    return told


def test_time_left_runs_down_over_all_courses(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the second batch on, what is told is what it takes, however courses follow one another."""
    clock = Clock(budget=10_000)
    monkeypatch.setattr(time_left, "time", clock)
    first, *told = told_over(clock, TimeLeft(clock.left), [20, 8, 8, 10])
    assert first is None
    ends = clock.now + SECONDS_AFTERWARDS
    assert all(seconds is not None for seconds in told)
    assert told == sorted(told, key=lambda seconds: -(seconds or 0))
    # The very first batch takes longer than all others.
    assert told[0] == pytest.approx(ends - (100.0 + TO_START + EACH), abs=3 * EACH)
    assert told[-1] == SECONDS_AFTERWARDS


def test_time_left_is_never_more_than_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Courses that the budget does not allow, or not in full, are not told."""
    clock = Clock(budget=30)
    monkeypatch.setattr(time_left, "time", clock)
    left = TimeLeft(clock.left)
    told_over(clock, left, [4])
    left.begin(1000, [1000])
    clock.now += TO_START
    left.reached(1)
    assert left.seconds(most_of_course=1000.0) == clock.left() + SECONDS_AFTERWARDS
    left.begin(1000, [])
    clock.now += TO_START
    left.reached(1)
    assert left.seconds(most_of_course=3.0) == 3.0 + SECONDS_AFTERWARDS
