"""Figures as a Prometheus server reads them."""

import asyncio
from collections.abc import Awaitable, Callable

import grpc
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from customvision.v1.metrics_service_pb2 import GetMetricsRequest
from customvision.v1.metrics_service_pb2_grpc import MetricsServiceStub

PATIENCE_SECONDS = 10.0


async def get_metrics(channel: grpc.aio.Channel) -> str:
    """Asks a service for its figures."""
    return str((await MetricsServiceStub(channel).GetMetrics(GetMetricsRequest())).text)


def samples_of(text: str) -> list[Sample]:
    """Returns every sample of a text that a Prometheus server could read."""
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def value_of(text: str, name: str, **labels: str) -> float | None:
    """Returns the sum of the samples of that name that have these labels, None where there is none."""
    found = [it.value for it in samples_of(text) if it.name == name and labels.items() <= it.labels.items()]
    return sum(found) if found else None


async def until(tell: Callable[[], Awaitable[str]], name: str, value: float, **labels: str) -> str:
    """Waits until the figures tell ``value``, and returns them."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while value_of(text := await tell(), name, **labels) != value:
            await asyncio.sleep(0.01)
    return text


async def until_ended(channel: grpc.aio.Channel, method: str) -> None:
    """Waits until a service has noticed that the callers of a method have gone."""
    await until(lambda: get_metrics(channel), "customvision_open_calls", 0, grpc_method=method)
