"""Tells the parent how far each phase has come, seldom enough not to matter."""

import time
from dataclasses import asdict

from customvision.training.children.child import Reports
from customvision.training.runs.event import Metrics
from customvision.training.runs.run import Phase

SECONDS_BETWEEN = 0.2


class PhaseReport:
    """The progress of one phase: the first and the last step are always told, the others five times a second.

    ``seconds_after`` estimates the phases that follow; where it is not given, no time left is told.
    """

    def __init__(self, reports: Reports, phase: Phase, total: int, *, seconds_after: float | None = None) -> None:
        self._reports = reports
        self._phase = phase
        self._total = total
        self._seconds_after = seconds_after
        self._started = time.monotonic()
        self._told_at = 0.0
        self._told: int | None = None
        self._first: tuple[int, float] | None = None
        self.reached(0)

    def reached(self, done: int) -> None:
        """Tells that ``done`` units are done."""
        now = time.monotonic()
        if done and self._first is None:
            self._first = (done, now)
        edge = done in (0, self._total)
        if done == self._told or (not edge and now - self._told_at < SECONDS_BETWEEN):
            return
        self._tell(done, now)

    def finish(self) -> None:
        """Tells that the phase is done."""
        self.reached(self._total)

    def _tell(self, done: int, now: float) -> None:
        self._told, self._told_at = done, now
        elapsed = now - self._started
        self._reports.send(
            "progress",
            phase=self._phase.value,
            done=done,
            total=self._total,
            elapsed_seconds=round(elapsed, 3),
            seconds_left=self._seconds_left(done, now),
        )

    def _seconds_left(self, done: int, now: float) -> float | None:
        # Counted from the first unit: before it, the phase was loading what it needs.
        if self._seconds_after is None or self._first is None or done == self._first[0]:
            return None
        seconds_each = (now - self._first[1]) / (done - self._first[0])
        return round(seconds_each * (self._total - done) + self._seconds_after, 1)


def report_warning(reports: Reports, message: str) -> None:
    """Tells the run's user something to read."""
    reports.send("warned", message=message)


def report_metrics(reports: Reports, metrics: Metrics) -> None:
    """Tells how well the model does."""
    reports.send("metrics", **asdict(metrics))
