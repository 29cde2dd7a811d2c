"""How much time and memory a run may take, and what its user reads where it took more."""

from dataclasses import dataclass

from customvision.common.quantities import duration_words, size_words
from customvision.common.settings import DEFAULT_TIME_LIMIT_SECONDS, MEMORY_LIMIT, TIME_LIMIT
from customvision.training.children.child_limits import ChildLimits, Overrun
from customvision.training.runs.run import TrainingRun

# The process keeps to its budget by itself; one that hangs is ended soon after.
GRACE_SECONDS = 30.0


@dataclass(frozen=True)
class RunLimits:
    """Seconds of all processes of a run together, and bytes of memory of each; None is no limit."""

    seconds: float = DEFAULT_TIME_LIMIT_SECONDS
    memory_bytes: int | None = None

    def of_next_process(self, run: TrainingRun) -> ChildLimits:
        """Returns what the run's next process may take; what those before it used is gone."""
        return ChildLimits(max(0.0, self._seconds_of(run) - run.used_seconds), self.memory_bytes)

    def overrun_reason(self, run: TrainingRun, overrun: Overrun) -> str:
        """Returns in a sentence why a run that went over a limit has failed, and what to do."""
        if overrun is Overrun.MEMORY:
            limit = size_words(self.memory_bytes or 0)
            return (
                f"The training needed more memory than the {limit} that {MEMORY_LIMIT} allows. "
                "Raise the limit, or train on fewer images or tags."
            )
        if run.budget_seconds is not None:
            return (
                f"The training did not end within its budget of {duration_words(run.budget_seconds)}. "
                "Give it a longer training_budget, or choose quick training."
            )
        return (
            f"The training took longer than the {duration_words(self.seconds)} that {TIME_LIMIT} allows. "
            "Raise the limit, or train on fewer images."
        )

    def _seconds_of(self, run: TrainingRun) -> float:
        return self.seconds if run.budget_seconds is None else run.budget_seconds + GRACE_SECONDS


def budget_left(run: TrainingRun) -> float:
    """Returns the seconds of an advanced run's budget that its processes have not used; 0 for a quick run."""
    return max(0.0, (run.budget_seconds or 0.0) - run.used_seconds)
