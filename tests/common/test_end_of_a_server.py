"""How the calls of a server end that ends."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from customvision.common.authentication import KeyRing
from customvision.common.channel import open_channel
from customvision.common.connections import close_connections
from customvision.common.keys import Keys
from customvision.common.server import ANY_KEY, Server, ServiceDefinition
from customvision.common.status import error_from_call

FULL_NAME = "customvision.v1.ProjectService"


class Held:
    """A service whose calls, of each kind, answer when they are released."""

    def __init__(self) -> None:
        self.began = 0
        self.released = asyncio.Event()

    async def one(self, request: bytes, _: Any) -> bytes:
        """Answers with the request."""
        return await self._answer(request)

    async def many(self, request: bytes, _: Any) -> AsyncIterator[bytes]:
        """Answers with the request, twice."""
        yield await self._answer(request)
        yield request

    async def gathered(self, requests: AsyncIterator[bytes], _: Any) -> bytes:
        """Answers with all requests."""
        return await self._answer(b"".join([request async for request in requests]))

    async def each(self, requests: AsyncIterator[bytes], _: Any) -> AsyncIterator[bytes]:
        """Answers with each request."""
        async for request in requests:
            yield await self._answer(request)

    def definition(self) -> ServiceDefinition:
        """Returns what a server needs."""
        handlers: dict[str, Any] = {
            "One": grpc.unary_unary_rpc_method_handler(self.one),
            "Many": grpc.unary_stream_rpc_method_handler(self.many),
            "Gathered": grpc.stream_unary_rpc_method_handler(self.gathered),
            "Each": grpc.stream_stream_rpc_method_handler(self.each),
        }
        generic = grpc.method_handlers_generic_handler(FULL_NAME, handlers)
        return ServiceDefinition(
            "project", FULL_NAME, lambda server: server.add_generic_rpc_handlers((generic,)), ANY_KEY, lambda: None
        )

    async def _answer(self, answer: bytes) -> bytes:
        self.began += 1
        await self.released.wait()
        return answer


async def until(condition: Any) -> None:
    """Waits until the condition is true."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_running_calls_finish_and_new_ones_are_turned_away(keys: Keys) -> None:
    """Calls of every kind that have begun are answered; one that comes now is told to come again."""
    held = Held()
    server = Server(held.definition(), "127.0.0.1:0", KeyRing(keys))
    async with open_channel(await server.start(), keys) as channel:
        calls: Any = channel
        key = (("training-key", keys.training_key),)
        running = [
            asyncio.ensure_future(calls.unary_unary(f"/{FULL_NAME}/One")(b"a")),
            asyncio.ensure_future(calls.stream_unary(f"/{FULL_NAME}/Gathered")(iter([b"b", b"c"]))),
            asyncio.ensure_future(all_of(calls.unary_stream(f"/{FULL_NAME}/Many")(b"d"))),
            asyncio.ensure_future(all_of(calls.stream_stream(f"/{FULL_NAME}/Each")(iter([b"e"]), metadata=key))),
        ]
        await until(lambda: held.began == len(running))
        stopping = asyncio.create_task(server.stop())
        await until(lambda: server._calls._turning_away)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await calls.unary_unary(f"/{FULL_NAME}/One")(b"late")
        assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
        assert error_from_call(raised.value, service="project").reason == "SERVICE_STOPPING"
        assert not stopping.done()
        held.released.set()
        assert await asyncio.gather(*running) == [b"a", b"bc", [b"d", b"d"], [b"e"]]
        await asyncio.wait_for(stopping, 4)


async def all_of(call: AsyncIterator[bytes]) -> list[bytes]:
    """Returns all answers of a stream."""
    return [answer async for answer in call]


def test_only_what_was_accepted_at_the_port_is_closed() -> None:
    """Connections of another port, and sockets that listen, stay open."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_server(("127.0.0.1", 0)) as other,
        socket.create_connection(server.getsockname()) as caller,
        socket.create_connection(other.getsockname()) as bystander,
        server.accept()[0],
        other.accept()[0] as accepted,
    ):
        close_connections(server.getsockname()[1])
        caller.settimeout(5)
        assert caller.recv(1) == b""
        accepted.sendall(b"x")
        assert bystander.recv(1) == b"x"
        socket.create_connection(server.getsockname()).close()
