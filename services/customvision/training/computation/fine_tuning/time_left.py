"""How much longer a fine-tuning takes, over all its courses, estimated from the batches that it has done."""

import time
from collections.abc import Callable, Sequence

# What making the network ready to run and handing it over take.
SECONDS_AFTERWARDS = 6.0


class TimeLeft:
    """Keeps the pace from one course to the next, so that the estimate does not begin anew with each."""

    def __init__(self, budget: Callable[[], float]) -> None:
        """``budget`` tells the seconds that are left for all courses together."""
        self._budget = budget
        self._batches, self._seconds = 0, 0.0
        self._last: tuple[int, float] | None = None
        self._course, self._following = 0, list[int]()

    def begin(self, batches: int, following: Sequence[int]) -> None:
        """Tells that a course of so many batches begins, and how many the courses after it have."""
        self._last = None
        self._course, self._following = batches, list(following)

    def reached(self, batches: int) -> None:
        """Tells that so many batches of the course are done, those of an earlier attempt included."""
        now = time.monotonic()
        # The first step of a course is no measure of the others: before that of the first one the network is looked at.
        if self._last is not None:
            self._batches += batches - self._last[0]
            self._seconds += now - self._last[1]
        self._last = (batches, now)

    def seconds(self, most_of_course: float) -> float | None:
        """Returns the seconds left, None where nothing tells; the course itself takes ``most_of_course`` at most."""
        if not self._batches or self._last is None:
            return None
        each = self._seconds / self._batches
        course = min(each * (self._course - self._last[0]), max(0.0, most_of_course))
        return round(min(course + each * sum(self._following), max(0.0, self._budget())) + SECONDS_AFTERWARDS, 1)
