"""The figures of one service in this process, in Prometheus' text format."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping

import prometheus_client
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from customvision.common.call_metrics import CallMetrics

# One more line for each series, for a format that is not spoken here.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

Read = Callable[[], float]
ReadEach = Callable[[], Mapping[str, float]]


class ServiceMetrics:
    """A registry of its own; services add what they count, and what can be asked for when it is told.

    What is asked for is asked on another thread, so it must not count on the event loop to stand still.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.calls = CallMetrics(self.registry)
        self._preparations: list[Callable[[], Awaitable[None]]] = []
        self._tell: Callable[[], Awaitable[str]] = self.own_text

    def gauge(self, name: str, meaning: str, read: Read) -> None:
        """Adds what can rise and fall."""
        self.registry.register(_Asked(lambda: GaugeMetricFamily(name, meaning, value=read())))

    def gauges(self, name: str, meaning: str, label: str, read: ReadEach) -> None:
        """Adds what can rise and fall, one series for each value of ``label``."""
        self.registry.register(_Asked(lambda: _each(GaugeMetricFamily(name, meaning, labels=[label]), read())))

    def counter(self, name: str, meaning: str, read: Read) -> None:
        """Adds what only rises; its name ends in ``_total``."""
        self.registry.register(_Asked(lambda: CounterMetricFamily(name, meaning, value=read())))

    def counters(self, name: str, meaning: str, label: str, read: ReadEach) -> None:
        """Adds what only rises, one series for each value of ``label``."""
        self.registry.register(_Asked(lambda: _each(CounterMetricFamily(name, meaning, labels=[label]), read())))

    def before_telling(self, prepare: Callable[[], Awaitable[None]]) -> None:
        """Has ``prepare`` run, on the event loop, each time before the figures are told."""
        self._preparations.append(prepare)

    def tell_with(self, tell: Callable[[], Awaitable[str]]) -> None:
        """Has ``text`` return what ``tell`` does, such as the figures of several processes together."""
        self._tell = tell

    async def text(self) -> str:
        """Returns the figures as they are now."""
        return await self._tell()

    async def own_text(self) -> str:
        """Returns the figures of this process."""
        for prepare in self._preparations:
            await prepare()
        # A thousand lines take milliseconds.
        return (await asyncio.to_thread(generate_latest, self.registry)).decode()


class _Asked(Collector):
    def __init__(self, family: Callable[[], Metric]) -> None:
        self._family = family

    def describe(self) -> Iterator[Metric]:
        """Names nothing: the registry would read the figure to learn its name."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        yield self._family()


def _each(family: GaugeMetricFamily | CounterMetricFamily, values: Mapping[str, float]) -> Metric:
    for label_value, value in values.items():
        family.add_metric([label_value], value)
    return family
