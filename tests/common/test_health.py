"""What a server tells of its health, from its start to its end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from customvision.common.authentication import KeyRing
from customvision.common.keys import Keys
from customvision.common.server import ANY_KEY, Server, ServiceDefinition

FULL_NAME = "customvision.v1.PredictionService"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


class Running:
    """A server of an empty service, ready when told to, and a caller of its health check."""

    def __init__(self, keys: Keys) -> None:
        self.ready = asyncio.Event()
        definition = ServiceDefinition(
            "prediction", FULL_NAME, lambda _: None, ANY_KEY, lambda: None, until_ready=self._until_ready
        )
        self.server = Server(definition, "127.0.0.1:0", KeyRing(keys))
        self.health: Any = None

    async def check(self, service: str = "") -> int:
        """Returns the health of a service now."""
        return int((await self.health.Check(health_pb2.HealthCheckRequest(service=service))).status)

    def watch(self, service: str = "") -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """Opens a watch of a service's health."""
        return aiter(self.health.Watch(health_pb2.HealthCheckRequest(service=service), timeout=10))

    async def _until_ready(self) -> None:
        await self.ready.wait()


@pytest.fixture
async def running(keys: Keys) -> AsyncIterator[Running]:
    """A server that is not ready yet."""
    running = Running(keys)
    async with grpc.aio.insecure_channel(await running.server.start()) as channel:
        running.health = health_pb2_grpc.HealthStub(channel)
        yield running
    await running.server.stop()


async def test_is_not_serving_until_ready(running: Running) -> None:
    """Check and Watch tell NOT_SERVING first and SERVING once the service can answer, under both names."""
    watch = running.watch(FULL_NAME)
    assert (await anext(watch)).status == NOT_SERVING
    assert await running.check() == NOT_SERVING
    running.ready.set()
    assert (await anext(watch)).status == SERVING
    assert await running.check() == await running.check(FULL_NAME) == SERVING


async def test_a_name_that_nobody_serves_is_unknown(running: Running) -> None:
    """Check ends with NOT_FOUND, Watch tells SERVICE_UNKNOWN."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await running.check("customvision.v1.NoService")
    assert raised.value.code() == grpc.StatusCode.NOT_FOUND
    assert (await anext(running.watch("customvision.v1.NoService"))).status == UNKNOWN


@pytest.mark.parametrize("lame_duck_seconds", [0.0, 0.2])
async def test_tells_first_that_it_drains_and_ends_watches(running: Running, lame_duck_seconds: float) -> None:
    """A watcher hears NOT_SERVING, then the end; the server waits for no watcher, and answers until it stops."""
    running.ready.set()
    watch = running.watch()
    while (await anext(watch)).status != SERVING:
        pass
    async with asyncio.timeout(4):
        stopping = asyncio.create_task(running.server.stop(lame_duck_seconds))
        assert (await anext(watch)).status == NOT_SERVING
        if lame_duck_seconds:
            assert await running.check() == NOT_SERVING
            assert not stopping.done()
        assert [response async for response in watch] == []
        await stopping


async def test_a_server_that_never_got_ready_stops(running: Running) -> None:
    """The end does not wait for the service to become ready, and health stays NOT_SERVING."""
    watch = running.watch()
    assert (await anext(watch)).status == NOT_SERVING
    async with asyncio.timeout(4):
        await running.server.stop()
        assert [response async for response in watch] == []
