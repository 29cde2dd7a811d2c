"""A service's figures over HTTP."""

import asyncio

import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from customvision.common.authentication import KeyRing
from customvision.common.channel import open_channel
from customvision.common.errors import ConfigurationError
from customvision.common.keys import Keys
from customvision.common.listening import bind
from customvision.common.metrics_endpoint import serve_metrics
from customvision.common.server import TRAINING_KEY_ONLY, ServiceDefinition
from customvision.common.service_metrics import ServiceMetrics
from customvision.common.serving import serve


async def test_only_the_training_key_opens_it_and_there_is_nothing_else(keys: Keys) -> None:
    """Figures for the training key as header or bearer; without it nothing, not even what paths there are."""
    metrics = ServiceMetrics()
    metrics.gauge("a_figure", "A figure", lambda: 7)
    training, prediction = {"training-key": keys.training_key}, {"prediction-key": keys.prediction_key}
    async with (
        serve_metrics(metrics, "127.0.0.1:0", KeyRing(keys)) as address,
        httpx.AsyncClient(base_url=f"http://{address}") as client,
    ):
        for headers in (training, {"Authorization": f"Bearer {keys.training_key}"}):
            answer = await client.get("/metrics", headers=headers)
            assert answer.status_code == 200
            assert "\na_figure 7.0\n" in answer.text
            assert answer.headers["content-type"].startswith("text/plain; version=")
        for method, path, status in (("GET", "/metrics", 200), ("POST", "/metrics", 405), ("GET", "/", 404)):
            for headers, expected in (({}, 401), (prediction, 403), (training, status)):
                answer = await client.request(method, path, headers=headers)
                assert answer.status_code == expected, (method, path, headers)


async def test_a_service_that_runs_alone_tells_its_figures(keys: Keys) -> None:
    """A served program answers at its metrics address from the start to the end."""
    with bind("127.0.0.1:0", "metrics") as first, bind("127.0.0.1:0", "metrics") as second:
        address, metrics_address = (f"127.0.0.1:{it.getsockname()[1]}" for it in (first, second))
    definition = ServiceDefinition("project", "test.Nothing", lambda _: None, TRAINING_KEY_ONLY, lambda: None)
    stopping = asyncio.Event()
    serving = asyncio.create_task(serve(definition, address, keys, stopping, metrics_address=metrics_address))
    async with open_channel(address, keys) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        await check(health_pb2.HealthCheckRequest(), wait_for_ready=True, timeout=10)
    async with httpx.AsyncClient(headers={"training-key": keys.training_key}) as client:
        answer = await client.get(f"http://{metrics_address}/metrics")
    assert "process_resident_memory_bytes" in answer.text
    stopping.set()
    await asyncio.wait_for(serving, 10)


async def test_an_address_in_use_is_told_in_a_sentence(keys: Keys) -> None:
    """A service that cannot tell its figures where it should does not start, and names the setting."""
    with bind("127.0.0.1:0", "metrics") as taken:
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigurationError, match="CUSTOMVISION_METRICS_ADDRESS"):
            async with serve_metrics(ServiceMetrics(), address, KeyRing(keys)):
                pass
