"""The figures of the training service, without training."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from customvision.common.database import Database
from customvision.common.notifier import Notifier
from customvision.common.service_metrics import ServiceMetrics
from customvision.training.metrics import TrainingMetrics
from customvision.training.runs.event import StateChanged
from customvision.training.runs.run import TrainingRun, cancelled, failed, queued, started, succeeded
from customvision.training.runs.run_request import TrainingType
from customvision.training.store.migrations import MIGRATIONS
from customvision.training.store.runs import RunStore
from told_metrics import value_of

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty training database."""
    database = Database(tmp_path / "training.sqlite", MIGRATIONS)
    yield database
    database.close()


@pytest.fixture
async def runs(database: Database, metrics: ServiceMetrics) -> AsyncIterator[RunStore]:
    """A store whose runs are counted."""
    figures = TrainingMetrics(metrics)
    store = RunStore(database, Notifier(), figures.end)
    figures.count_open(store)
    for number in range(5):
        await store.insert(TrainingRun(str(number), "p", TrainingType.QUICK, force=False, create_time=NOW))
        await store.record(str(number), queued(f"i{number}", "name"), StateChanged())
    yield store


@pytest.fixture
def metrics() -> ServiceMetrics:
    """Figures of a service that serves nothing."""
    return ServiceMetrics()


async def test_open_runs_are_told_by_state_and_ended_ones_by_their_time(
    runs: RunStore, metrics: ServiceMetrics
) -> None:
    """What waits and computes is counted as it is, what ended once, with the time since its first start."""
    for number in ("0", "1", "2"):
        await runs.record(number, started(NOW), StateChanged())
    await runs.record("0", succeeded(NOW + timedelta(seconds=4)), StateChanged())
    await runs.record("0", failed("It has ended already.", NOW), StateChanged())
    await runs.record("1", failed("No room.", NOW + timedelta(seconds=40)), StateChanged())
    await runs.record("3", cancelled(NOW), StateChanged())
    text = await metrics.text()
    states = {state: value_of(text, "customvision_training_runs", state=state) for state in ("queued", "running")}
    assert states == {"queued": 1, "running": 1}
    ended = {
        state: value_of(text, "customvision_training_runs_ended_total", state=state, training_type="quick")
        for state in ("succeeded", "failed", "cancelled")
    }
    assert ended == {"succeeded": 1, "failed": 1, "cancelled": 1}
    seconds = "customvision_training_run_seconds"
    assert value_of(text, f"{seconds}_sum", state="succeeded") == 4
    assert value_of(text, f"{seconds}_bucket", state="failed", le="30.0") == 0
    assert value_of(text, f"{seconds}_bucket", state="failed", le="60.0") == 1
    # One that never started took no time.
    assert value_of(text, f"{seconds}_count", state="cancelled") is None
