"""The server that every service runs in."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from customvision.common.authentication import KeyRing
from customvision.common.channel import open_blocking_channel, open_channel
from customvision.common.errors import ConfigurationError
from customvision.common.keys import Keys
from customvision.common.notifier import Notifier
from customvision.common.server import ANY_KEY, Server, ServiceDefinition
from customvision.common.serving import serve

FULL_NAME = "customvision.v1.ProjectService"


class Endless:
    """A service with one endless stream that ends when its notifier closes, and one slow call."""

    def __init__(self) -> None:
        self.notifier = Notifier()
        self.began = asyncio.Event()

    async def watch(self, request: bytes, _: Any) -> AsyncIterator[bytes]:
        """Answers once, then waits for the end."""
        closed = self.notifier.subscribe("end")
        yield request
        await closed.wait()

    async def slow(self, request: bytes, _: Any) -> bytes:
        """Answers after a while."""
        self.began.set()
        await asyncio.sleep(0.1)
        return request

    def definition(self) -> ServiceDefinition:
        """Returns what a server needs, under a name that reflection finds."""
        handlers: dict[str, Any] = {
            "Watch": grpc.unary_stream_rpc_method_handler(self.watch),
            "Slow": grpc.unary_unary_rpc_method_handler(self.slow),
        }
        generic = grpc.method_handlers_generic_handler(FULL_NAME, handlers)
        return ServiceDefinition(
            "project",
            FULL_NAME,
            lambda server: server.add_generic_rpc_handlers((generic,)),
            ANY_KEY,
            self.notifier.close,
        )


async def health(channel: grpc.aio.Channel, service: str = "") -> int:
    """Returns the health of a service."""
    answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service))
    return int(answer.status)


async def test_a_port_in_use_is_told_in_a_sentence(keys: Keys) -> None:
    """A second server does not steal the port; it names the address and the setting."""
    first = Server(Endless().definition(), "127.0.0.1:0", KeyRing(keys))
    address = await first.start()
    second = Server(Endless().definition(), address, KeyRing(keys))
    with pytest.raises(ConfigurationError, match="CUSTOMVISION_PROJECT_ADDRESS") as raised:
        await second.start()
    assert address in str(raised.value)
    await first.stop()


async def test_health_needs_no_key_and_names_the_service(keys: Keys) -> None:
    """A supervisor without keys learns that the whole and the service are up."""
    server = Server(Endless().definition(), "127.0.0.1:0", KeyRing(keys))
    async with grpc.aio.insecure_channel(await server.start()) as channel:
        assert await health(channel) == health_pb2.HealthCheckResponse.SERVING
        assert await health(channel, FULL_NAME) == health_pb2.HealthCheckResponse.SERVING
    await server.stop()


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_needs_a_key_and_lists_the_service(keys: Keys, version: str) -> None:
    """Both versions of reflection answer whoever has a key, and nobody else."""
    server = Server(Endless().definition(), "127.0.0.1:0", KeyRing(keys))
    async with grpc.aio.insecure_channel(await server.start()) as channel:
        method = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        call = method(iter([request]), metadata=(("prediction-key", keys.prediction_key),))
        answer = await anext(aiter(call))
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await anext(aiter(method(iter([request]))))
    assert FULL_NAME in {service.name for service in answer.list_services_response.service}
    assert raised.value.code() == grpc.StatusCode.UNAUTHENTICATED
    await server.stop()


async def test_draining_ends_streams_and_finishes_calls(keys: Keys) -> None:
    """A stop does not wait for endless watchers, ends them cleanly, and lets a running call answer."""
    endless = Endless()
    server = Server(endless.definition(), "127.0.0.1:0", KeyRing(keys))
    channel: Any = open_channel(await server.start(), keys)
    watch = channel.unary_stream(f"/{FULL_NAME}/Watch")(b"here")
    assert await watch.read() == b"here"
    slow = asyncio.ensure_future(channel.unary_unary(f"/{FULL_NAME}/Slow")(b"done"))
    await endless.began.wait()
    await asyncio.wait_for(server.stop(), 4)
    assert await watch.read() is grpc.aio.EOF
    assert await watch.code() == grpc.StatusCode.OK
    assert await slow == b"done"
    await channel.close()


async def test_serves_until_told_to_stop(keys: Keys, unused_port: int) -> None:
    """A program's serve answers until its event is set, then returns."""
    stopping = asyncio.Event()
    address = f"127.0.0.1:{unused_port}"
    serving = asyncio.create_task(serve(Endless().definition(), address, keys, stopping))
    async with open_channel(address, keys) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        await check(health_pb2.HealthCheckRequest(), wait_for_ready=True, timeout=10)
        stopping.set()
        await asyncio.wait_for(serving, 10)


async def test_a_blocking_channel_carries_the_key_too(keys: Keys) -> None:
    """A process without an event loop calls with the same key."""
    server = Server(Endless().definition(), "127.0.0.1:0", KeyRing(keys))
    with open_blocking_channel(await server.start(), keys) as channel:
        call: Any = channel.unary_unary(f"/{FULL_NAME}/Slow")
        assert await asyncio.to_thread(call, b"done") == b"done"
    await server.stop()


@pytest.fixture
def unused_port() -> int:
    """A port that was free a moment ago."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
