"""What a call hands on to the calls that are made for it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from customvision.common.authentication import KeyRing
from customvision.common.call_context import handed_on
from customvision.common.channel import open_channel
from customvision.common.errors import NotFound
from customvision.common.keys import Keys
from customvision.common.server import TRAINING_KEY_ONLY, Server, ServiceDefinition

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CARRIED = ("x-request-id", "traceparent", "tracestate")


def service(name: str, answer: Any) -> ServiceDefinition:
    """Returns a service with one method that answers bytes with bytes."""
    handlers: dict[str, Any] = {"Ask": grpc.unary_unary_rpc_method_handler(answer)}
    generic = grpc.method_handlers_generic_handler(f"test.{name}", handlers)
    return ServiceDefinition(
        name,
        f"test.{name}",
        lambda server: server.add_generic_rpc_handlers((generic,)),
        TRAINING_KEY_ONLY,
        lambda: None,
    )


@pytest.fixture
async def front(keys: Keys) -> AsyncIterator[Any]:
    """Asks a service that asks another, which answers with what it was handed."""

    async def tell(request: bytes, context: Any) -> bytes:
        if request == b"fail":
            raise NotFound("Not now.")
        carried = {name: value for name, value in context.invocation_metadata() if name in CARRIED}
        return json.dumps(carried).encode()

    behind = Server(service("Behind", tell), "127.0.0.1:0", KeyRing(keys))
    channel: Any = open_channel(await behind.start(), keys)

    async def pass_on(request: bytes, _: Any) -> bytes:
        if request == b"fail":
            raise NotFound("Not now.")
        return bytes(await channel.unary_unary("/test.Behind/Ask")(request))

    server = Server(service("Front", pass_on), "127.0.0.1:0", KeyRing(keys))
    asking: Any = open_channel(await server.start(), keys)
    yield asking.unary_unary("/test.Front/Ask")
    await asking.close()
    await server.stop()
    await channel.close()
    await behind.stop()


async def test_the_callers_request_id_and_trace_travel_on(front: Any) -> None:
    """What a caller sends arrives at the service behind, and the id comes back with the answer."""
    metadata = (("x-request-id", "from-the-caller"), ("traceparent", TRACE), ("tracestate", "a=b"), ("other", "c"))
    call = front(b"", metadata=metadata)
    carried = {"x-request-id": "from-the-caller", "traceparent": TRACE, "tracestate": "a=b"}
    assert json.loads(await call) == carried
    assert ("x-request-id", "from-the-caller") in tuple(await call.trailing_metadata())


async def test_an_id_is_made_up_where_there_is_none_that_can_travel(front: Any) -> None:
    """A missing or overlong id is replaced by one that both services and the caller see."""
    for metadata in ((), (("x-request-id", "x" * 129),), (("x-request-id", ""),)):
        call = front(b"", metadata=metadata)
        carried = json.loads(await call)
        assert len(carried["x-request-id"]) == 32
        assert ("x-request-id", carried["x-request-id"]) in tuple(await call.trailing_metadata())


async def test_a_refusal_tells_the_id_too(front: Any) -> None:
    """Whoever reports an error can name the call."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await front(b"fail", metadata=(("x-request-id", "to-report"),))
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND
    assert ("x-request-id", "to-report") in tuple(raised.value.trailing_metadata())


def test_outside_of_a_call_nothing_is_handed_on() -> None:
    """Work that no caller waits for carries nobody's id."""
    assert handed_on() == ()
