"""docs/operations.md says which figures there are."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.gateway.health import SuiteHealth
from customvision.gateway.metrics import Metrics
from customvision.prediction.wiring import open_prediction_service
from customvision.project.wiring import open_project_service
from customvision.training.wiring import open_training_service

TEXT = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
ROW = re.compile(r"^\| `([a-z_]+)(?:\{([a-z_,]+)\})?` \| (counter|gauge|histogram) \|", re.MULTILINE)


@pytest.fixture
async def registries(settings: Settings, keys: Keys) -> AsyncIterator[list[CollectorRegistry]]:
    """What each service of a suite tells, and the gateway."""
    async with AsyncExitStack() as stack:
        project = await stack.enter_async_context(open_project_service(settings))
        training = await stack.enter_async_context(open_training_service(settings, keys))
        prediction = await stack.enter_async_context(open_prediction_service(settings, keys))
        health = SuiteHealth({}, keys)
        stack.push_async_callback(health.close)
        yield [*(it.metrics.registry for it in (project, training, prediction)), Metrics(health).registry]


def told_by(registry: CollectorRegistry) -> set[tuple[str, str, str]]:
    """Returns name, labels and kind of every family, also of those that have no series yet."""
    told = set()
    for collector in registry._collector_to_names:
        for family in collector.collect():
            if isinstance(collector, MetricWrapperBase):
                labels: tuple[str, ...] = collector._labelnames
            else:
                # Of what is asked for, the family itself knows.
                labels = tuple(getattr(family, "_labelnames", ()))
            name = f"{family.name}_total" if family.type == "counter" else family.name
            told.add((name, ",".join(labels), family.type))
    return told


async def test_every_figure_is_documented(registries: list[CollectorRegistry]) -> None:
    """Each figure of any service has a row with its labels and its kind, and no row names one that there is not."""
    told = set().union(*map(told_by, registries))
    assert set(ROW.findall(TEXT)) == told
