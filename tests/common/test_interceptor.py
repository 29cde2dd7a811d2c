"""What surrounds every call of a real server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
import structlog

from customvision.common.channel import OPTIONS
from customvision.common.errors import AlreadyExists, Unavailable
from customvision.common.server import TRAINING_KEY_ONLY, ServiceDefinition
from customvision.common.status import error_from_call

LONG = "\U0001f33c" * 5000
SECRET = "SELECT secret FROM internals"


class NameTaken(AlreadyExists):
    """A cause with a reason of its own."""

    reason = "NAME_TAKEN"


def fail(word: bytes) -> None:
    """Raises what the word asks for."""
    if word == b"taken":
        raise NameTaken("The name '\U0001f33c' is taken.", metadata={"name": "\U0001f33c"}, field="name")
    if word == b"away":
        raise Unavailable("Busy; try again.", metadata={"why": "test"}, retry_after=0.5)
    if word == b"long":
        raise NameTaken(LONG, metadata={f"{number}{LONG}": LONG for number in range(50)}, field=LONG)
    if word == b"bug":
        raise RuntimeError(SECRET)


async def unary(request: bytes, _: Any) -> bytes:
    """Answers the word, or fails."""
    fail(request)
    return request


async def stream(request: bytes, _: Any) -> AsyncIterator[bytes]:
    """Answers once, then fails or waits without end."""
    yield request
    fail(request)
    await asyncio.Event().wait()


async def collect(requests: AsyncIterator[bytes], _: Any) -> bytes:
    """Answers all words together, or fails at one."""
    words = []
    async for word in requests:
        fail(word)
        words.append(word)
    return b",".join(words)


def register(server: grpc.aio.Server) -> None:
    """Adds a service of plain bytes."""
    handlers: dict[str, Any] = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "Stream": grpc.unary_stream_rpc_method_handler(stream),
        "Collect": grpc.stream_unary_rpc_method_handler(collect),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Echo", handlers),))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Unlisted", handlers),))


@pytest.fixture
async def channel(serve_service: Callable[..., Any]) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a served echo."""
    definition = ServiceDefinition("echo", "test.Echo", register, TRAINING_KEY_ONLY, lambda: None)
    async with serve_service(definition) as channel:
        yield channel


async def error_of(call: Any) -> grpc.aio.AioRpcError:
    """Returns the error that the call ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        if isinstance(call, grpc.aio.UnaryStreamCall):
            [_ async for _ in call]
        else:
            await call
    return raised.value


def calls(channel: Any, word: bytes) -> list[Any]:
    """Returns one call of each kind."""

    async def requests() -> AsyncIterator[bytes]:
        yield b"first"
        yield word

    return [
        channel.unary_unary("/test.Echo/Unary")(word),
        channel.unary_stream("/test.Echo/Stream")(word),
        channel.stream_unary("/test.Echo/Collect")(requests()),
    ]


async def test_lets_good_calls_through(channel: Any) -> None:
    """A call with the right key is answered, unary and stream."""
    assert await channel.unary_unary("/test.Echo/Unary")(b"hello") == b"hello"
    unary_call, stream_call, collect_call = calls(channel, b"hello")
    assert await unary_call == b"hello"
    assert await stream_call.read() == b"hello"
    stream_call.cancel()
    assert await collect_call == b"first,hello"


async def test_an_error_travels_there_and_back(channel: Any) -> None:
    """Kind, reason, message and metadata arrive at a service that called another, however it called."""
    for call in calls(channel, b"taken"):
        error = error_from_call(await error_of(call), service="echo")
        assert isinstance(error, AlreadyExists)
        assert (error.reason, error.message) == ("NAME_TAKEN", "The name '\U0001f33c' is taken.")
        assert error.metadata == {"name": "\U0001f33c"}


async def test_an_error_of_any_length_arrives(channel: Any) -> None:
    """Fifty names of 5,000 flowers are trimmed to what a trailer carries; the cause is readable still."""
    for call in calls(channel, b"long"):
        error = error_from_call(await error_of(call), service="echo")
        assert (error.reason, error.message[:2]) == ("NAME_TAKEN", LONG[:2])


async def test_an_unavailable_of_ones_own_keeps_its_words(channel: Any) -> None:
    """A service that answers UNAVAILABLE with a reason is not mistaken for one that does not answer."""
    error = error_from_call(await error_of(channel.unary_unary("/test.Echo/Unary")(b"away")), service="echo")
    assert isinstance(error, Unavailable)
    assert (error.message, error.metadata, error.retry_after) == ("Busy; try again.", {"why": "test"}, 0.5)


async def test_nobody_there_is_unavailable_by_name() -> None:
    """Where nothing listens the error names the service."""
    channel: Any
    async with grpc.aio.insecure_channel("127.0.0.1:1", options=OPTIONS) as channel:
        error = error_from_call(await error_of(channel.unary_unary("/test.Echo/Unary")(b"")), service="project")
    assert isinstance(error, Unavailable)
    assert "project service does not answer" in error.message


async def test_a_bug_is_logged_whole_and_told_without_text(channel: Any) -> None:
    """An unknown exception is INTERNAL for the caller; its text stays in the log."""
    with structlog.testing.capture_logs() as entries:
        errors = [await error_of(call) for call in calls(channel, b"bug")]
    assert [entry["event"] for entry in entries if entry["log_level"] == "error"] == ["call failed"] * 3
    for error in errors:
        assert error.code() == grpc.StatusCode.INTERNAL
        assert SECRET not in (error.details() or "") + str(error.trailing_metadata())
        assert error_from_call(error, service="echo").metadata == {"service": "echo"}


async def test_a_service_without_roles_is_open_to_nobody(channel: Any) -> None:
    """What nobody listed is closed, also to the training key."""
    error = await error_of(channel.unary_unary("/test.Unlisted/Unary")(b"hello"))
    assert error.code() == grpc.StatusCode.PERMISSION_DENIED


async def test_the_callers_request_id_is_logged(channel: Any) -> None:
    """A usable id is taken over, a bad one is replaced."""
    seen: list[str] = []

    def note(_: Any, __: str, entry: Any) -> Any:
        seen.append(entry.get("request_id", ""))
        raise structlog.DropEvent

    configured = structlog.get_config()["processors"]
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, note])
    try:
        call = channel.unary_unary("/test.Echo/Unary")
        await call(b"x", metadata=(("x-request-id", "from-the-caller"),))
        await call(b"x", metadata=(("x-request-id", "x" * 129),))
    finally:
        structlog.configure(processors=configured)
    assert seen[0] == "from-the-caller"
    assert len(seen[1]) == 32


def test_streams_must_be_generators() -> None:
    """A stream method of another kind is a mistake that the first call shows."""
    from customvision.common.interceptor import _around_stream

    with pytest.raises(TypeError, match="async generator"):
        _around_stream(unary, lambda _context: None)  # type: ignore[arg-type, return-value]
