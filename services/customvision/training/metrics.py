"""The figures of the training service."""

from prometheus_client import Counter, Histogram

from customvision.common.service_metrics import ServiceMetrics
from customvision.training.runs.run import RunState, TrainingRun
from customvision.training.store.runs import RunStore

# From a quick training of a few photos to an advanced one with a day's budget.
RUN_BUCKETS = (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21600.0, 86400.0)
LABELS = ("training_type", "state")


class TrainingMetrics:
    """Counts runs as they end, and asks the store for those that are open."""

    def __init__(self, metrics: ServiceMetrics) -> None:
        self._metrics = metrics
        self._open: dict[RunState, int] = {}
        self._ended = Counter(
            "customvision_training_runs_ended", "Runs that ended, by how", LABELS, registry=metrics.registry
        )
        self._seconds = Histogram(
            "customvision_training_run_seconds",
            "Time from a run's first start to its end",
            LABELS,
            buckets=RUN_BUCKETS,
            registry=metrics.registry,
        )

    def count_open(self, runs: RunStore) -> None:
        """Adds the runs that wait and compute."""

        async def ask() -> None:
            self._open = await runs.open_counts()

        self._metrics.before_telling(ask)
        self._metrics.gauges(
            "customvision_training_runs",
            "Runs that have not ended, by state; those that are queued are the queue",
            "state",
            lambda: {state.value: count for state, count in self._open.items()},
        )

    def end(self, run: TrainingRun) -> None:
        """Counts a run that has ended."""
        labels = (run.training_type.value, run.state.value)
        self._ended.labels(*labels).inc()
        if run.start_time is not None and run.end_time is not None:
            self._seconds.labels(*labels).observe((run.end_time - run.start_time).total_seconds())
