"""What is read of a call before it is let in, on a real server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2

from customvision.common.authentication import Role
from customvision.common.errors import DeadlineExceeded, ResourceExhausted
from customvision.common.message_room import MessageRoom
from customvision.common.reception import AT_ONCE, Reception
from customvision.common.server import TRAINING_KEY_ONLY, ServiceDefinition
from customvision.common.status import error_from_call

PATIENCE_SECONDS = 30.0
METHOD = "/test.Images/Look"


class Full(ResourceExhausted):
    """Nothing more is taken."""

    reason = "FULL"


async def look(request: bytes, _: Any) -> bytes:
    """Answers the message."""
    return request


def register(server: grpc.aio.Server) -> None:
    """Adds a service of plain bytes."""
    handlers: dict[str, Any] = {"Look": grpc.unary_unary_rpc_method_handler(look)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Images", handlers),))


def images(reception: Reception | None, roles: frozenset[Role] = TRAINING_KEY_ONLY) -> ServiceDefinition:
    """Returns the service with the reception given."""
    return ServiceDefinition("images", "test.Images", register, roles, lambda: None, reception=reception)


def full(_: Role) -> None:
    """Lets nobody enter."""
    raise Full("Nothing more is taken; try again.", retry_after=2.0)


def unsent(channel: Any, method: str = METHOD) -> grpc.aio.StreamUnaryCall[Any, Any]:
    """Returns a call whose message never comes: on the wire it is as one of a single message."""

    async def never() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    call: grpc.aio.StreamUnaryCall[Any, Any] = channel.stream_unary(method)(never())
    return call


async def end_of(call: Any) -> grpc.aio.AioRpcError:
    """Returns the error that a call ends with."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call
    return raised.value


async def test_the_key_is_looked_at_before_the_message_comes(serve_service: Callable[..., Any]) -> None:
    """A call with a key that does not do ends though its message was never sent."""
    async with serve_service(images(None, roles=frozenset({Role.PREDICTION}))) as channel:
        error = error_from_call(await end_of(unsent(channel)), service="images")
    assert error.reason == "KEY_NOT_SUFFICIENT"


async def test_what_cannot_enter_is_refused_unread(serve_service: Callable[..., Any]) -> None:
    """Where the service takes nothing more, its refusal arrives, with the time to wait, before the message is sent."""
    reception = Reception(frozenset({METHOD}), full)
    async with serve_service(images(reception)) as channel:
        error = error_from_call(await end_of(unsent(channel)), service="images")
    assert (error.reason, error.retry_after) == ("FULL", 2.0)


async def test_a_message_that_does_not_come_makes_room(serve_service: Callable[..., Any]) -> None:
    """With room for one message, one that never comes is ended, and the next is received and answered."""
    reception = Reception(frozenset({METHOD}), at_once=1, seconds=0.2)
    async with serve_service(images(reception)) as channel:
        stalled = unsent(channel)
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await channel.unary_unary(METHOD)(b"small") == b"small"
        error = error_from_call(await end_of(stalled), service="images")
    assert isinstance(error, DeadlineExceeded)
    assert error.reason == "MESSAGE_TOO_SLOW"


async def test_a_message_that_takes_long_makes_way(serve_service: Callable[..., Any]) -> None:
    """With room for one message, the next is received beside one that has been coming for a while, which goes on."""
    reception = Reception(frozenset({METHOD}), at_once=1, prompt_seconds=0.1)
    async with serve_service(images(reception)) as channel:
        send = asyncio.Event()

        async def late() -> AsyncIterator[bytes]:
            await send.wait()
            yield b"late"

        slow = channel.stream_unary(METHOD)(late())
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await channel.unary_unary(METHOD)(b"small") == b"small"
            send.set()
            assert await slow == b"late"


async def test_what_is_not_answered_yet_bounds_what_is_received(serve_service: Callable[..., Any]) -> None:
    """While messages that are being answered fill the room, the next is not read; it is once there is room again."""
    begun: list[bytes] = []
    answering = asyncio.Event()

    async def held_look(request: bytes, _: Any) -> bytes:
        begun.append(request)
        await answering.wait()
        return request

    handlers: dict[str, Any] = {"Look": grpc.unary_unary_rpc_method_handler(held_look)}
    reception = Reception(frozenset({METHOD}), room=MessageRoom(size=10))
    definition = ServiceDefinition(
        "images",
        "test.Images",
        lambda server: server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("test.Images", handlers),)
        ),
        TRAINING_KEY_ONLY,
        lambda: None,
        reception=reception,
    )
    async with serve_service(definition) as channel, asyncio.timeout(PATIENCE_SECONDS):
        first = channel.unary_unary(METHOD)(b"0123456789")
        while not begun:
            await asyncio.sleep(0.01)
        second = channel.unary_unary(METHOD)(b"second")
        # A call that comes later is answered, so the second has come.
        assert await channel.unary_unary("/grpc.health.v1.Health/Check")(b"")
        assert begun == [b"0123456789"]
        answering.set()
        assert [await first, await second] == [b"0123456789", b"second"]


async def test_messages_that_do_not_come_do_not_keep_health_from_answering(serve_service: Callable[..., Any]) -> None:
    """Without a key, more calls are begun than are received at one time: the oldest are ended, and health answers."""
    async with serve_service(images(None)) as channel:
        stalled = [unsent(channel, "/grpc.health.v1.Health/Check") for _ in range(AT_ONCE + 1)]
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await channel.unary_unary("/grpc.health.v1.Health/Check")(b"")
            ended, _ = await asyncio.wait(
                map(asyncio.ensure_future, map(end_of, stalled)), return_when="FIRST_COMPLETED"
            )
    assert ended.pop().result().code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_large_message_without_a_key_is_refused(serve_service: Callable[..., Any]) -> None:
    """Health takes a name, not a megabyte."""
    name = health_pb2.HealthCheckRequest(service="x" * 2**20).SerializeToString()
    async with serve_service(images(None)) as channel:
        error = await end_of(channel.unary_unary("/grpc.health.v1.Health/Check")(name))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
