"""What a real server counts of its calls."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import grpc
import pytest
import structlog
from grpc_reflection.v1alpha import reflection_pb2

from customvision.common.authentication import KeyRing
from customvision.common.channel import open_channel
from customvision.common.errors import AlreadyExists
from customvision.common.keys import Keys
from customvision.common.server import TRAINING_KEY_ONLY, Server, ServiceDefinition
from told_metrics import get_metrics, until, value_of

PIECE = b"x" * 1024 * 1024


class NameTaken(AlreadyExists):
    """A cause with a reason of its own."""

    reason = "NAME_TAKEN"


async def answer(request: bytes, _: Any) -> bytes:
    """Answers the word, fails, or waits without end."""
    if request == b"taken":
        raise NameTaken("The name is taken.")
    if request == b"bug":
        raise RuntimeError("a bug")
    if request == b"wait":
        await asyncio.Event().wait()
    return request


async def flood(request: bytes, _: Any) -> AsyncIterator[bytes]:
    """Answers without end, as fast as the caller reads; just twice where asked."""
    yield request
    yield request
    while request != b"twice":
        yield PIECE


async def collect(requests: AsyncIterator[bytes], _: Any) -> bytes:
    """Answers all words together."""
    return b",".join([word async for word in requests])


async def echo(requests: AsyncIterator[bytes], _: Any) -> AsyncIterator[bytes]:
    """Answers each word."""
    async for word in requests:
        yield word


def register(server: grpc.aio.Server) -> None:
    """Adds a service of plain bytes."""
    handlers: dict[str, Any] = {
        "Answer": grpc.unary_unary_rpc_method_handler(answer),
        "Flood": grpc.unary_stream_rpc_method_handler(flood),
        "Collect": grpc.stream_unary_rpc_method_handler(collect),
        "Echo": grpc.stream_stream_rpc_method_handler(echo),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Words", handlers),))


@pytest.fixture
async def address(keys: Keys) -> AsyncIterator[str]:
    """Where the words are served."""
    definition = ServiceDefinition("words", "test.Words", register, TRAINING_KEY_ONLY, lambda: None)
    server = Server(definition, "127.0.0.1:0", KeyRing(keys))
    yield await server.start()
    await server.stop()


@pytest.fixture
async def channel(address: str, keys: Keys) -> AsyncIterator[Any]:
    """A channel that carries the training key."""
    async with open_channel(address, keys) as channel:
        yield channel


async def words(*given: bytes) -> AsyncIterator[bytes]:
    """Yields the words."""
    for word in given:
        yield word


async def code_of(call: Any) -> grpc.StatusCode:
    """Returns the code that a call fails with."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return raised.value.code()


async def test_calls_are_counted_by_how_they_ended(channel: Any, address: str) -> None:
    """Good calls, errors of ours, bugs and callers without a key each have their code, and errors their reason."""
    call = channel.unary_unary("/test.Words/Answer")
    assert await call(b"hello") == b"hello"
    assert await call(b"hello") == b"hello"
    assert await code_of(call(b"taken")) is grpc.StatusCode.ALREADY_EXISTS
    assert await code_of(call(b"bug")) is grpc.StatusCode.INTERNAL
    stranger: Any
    async with grpc.aio.insecure_channel(address) as stranger:
        assert await code_of(stranger.unary_unary("/test.Words/Answer")(b"")) is grpc.StatusCode.UNAUTHENTICATED
    text = await get_metrics(channel)
    handled = partial(value_of, text, "grpc_server_handled_total", grpc_service="test.Words", grpc_method="Answer")
    codes = {"OK": 2, "ALREADY_EXISTS": 1, "INTERNAL": 1, "UNAUTHENTICATED": 1, "CANCELLED": None}
    assert {code: handled(grpc_code=code) for code in codes} == codes
    assert value_of(text, "grpc_server_started_total", grpc_method="Answer", grpc_type="UNARY") == 5
    assert value_of(text, "grpc_server_handling_seconds_count", grpc_method="Answer") == 5
    reasons = {"NAME_TAKEN": 1, "INTERNAL": 1, "KEY_MISSING": 1}
    errors = partial(value_of, text, "customvision_call_errors_total", grpc_method="Answer")
    assert {reason: errors(reason=reason) for reason in reasons} == reasons


async def test_callers_that_leave_and_deadlines_are_told_apart(channel: Any) -> None:
    """A caller that goes makes a call CANCELLED, its deadline DEADLINE_EXCEEDED; neither is open any longer."""
    call = channel.unary_unary("/test.Words/Answer")
    tell = partial(get_metrics, channel)
    leaving = call(b"wait")
    await until(tell, "customvision_open_calls", 1, grpc_method="Answer")
    leaving.cancel()
    await until(tell, "grpc_server_handled_total", 1, grpc_method="Answer", grpc_code="CANCELLED")
    with pytest.raises(grpc.aio.AioRpcError):
        await call(b"wait", timeout=0.1)
    text = await until(tell, "grpc_server_handled_total", 1, grpc_method="Answer", grpc_code="DEADLINE_EXCEEDED")
    assert value_of(text, "customvision_open_calls", grpc_method="Answer") == 0


async def test_a_slow_reader_that_leaves_is_counted_and_logs_no_error(channel: Any) -> None:
    """A stream whose caller goes while it waits to write ends as CANCELLED, like one that waits for news."""
    tell = partial(get_metrics, channel)
    with structlog.testing.capture_logs() as entries:
        flooded = channel.unary_stream("/test.Words/Flood")(b"x")
        assert await flooded.read() == b"x"
        flooded.cancel()
        await until(tell, "grpc_server_handled_total", 1, grpc_method="Flood", grpc_code="CANCELLED")
        await until(tell, "customvision_open_calls", 0, grpc_method="Flood")
    assert not [entry for entry in entries if entry["log_level"] == "error"]


async def test_messages_of_streams_are_counted_each_way(channel: Any, keys: Keys) -> None:
    """Streams count what came and what went; each kind of call has its type."""
    assert [it async for it in channel.unary_stream("/test.Words/Flood")(b"twice")] == [b"twice", b"twice"]
    assert await channel.stream_unary("/test.Words/Collect")(words(b"a", b"b", b"c")) == b"a,b,c"
    echoed = channel.stream_stream("/test.Words/Echo")(
        words(b"a", b"b"), metadata=(("training-key", keys.training_key),)
    )
    assert [it async for it in echoed] == [b"a", b"b"]
    text = await get_metrics(channel)
    sent, received = (partial(value_of, text, f"grpc_server_msg_{way}_total") for way in ("sent", "received"))
    assert (sent(grpc_method="Flood", grpc_type="SERVER_STREAMING"), received(grpc_method="Flood")) == (2, None)
    assert (sent(grpc_method="Collect"), received(grpc_method="Collect", grpc_type="CLIENT_STREAMING")) == (None, 3)
    assert (sent(grpc_method="Echo"), received(grpc_method="Echo", grpc_type="BIDI_STREAMING")) == (2, 2)


async def test_methods_that_there_are_not_make_no_series(channel: Any) -> None:
    """Callers cannot grow the figures by inventing names, of methods or of services."""
    for path in ("/test.Words/Invented", "/invented.Service/Answer", "/test.Words/Answer/more"):
        assert await code_of(channel.unary_unary(path)(b"")) is grpc.StatusCode.UNIMPLEMENTED
    text = await get_metrics(channel)
    assert "nvented" not in text
    assert "more" not in text


async def test_figures_need_the_training_key_and_are_listed(address: str, keys: Keys) -> None:
    """The prediction key does not open the figures; reflection lists their service."""
    only_predicts = Keys(training_key=keys.prediction_key, prediction_key=keys.prediction_key)
    channel: Any
    async with open_channel(address, only_predicts) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await get_metrics(channel)
        reflect = channel.stream_stream(
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        asked = words_of_reflection()
        metadata = (("prediction-key", keys.prediction_key),)
        listed = await anext(aiter(reflect(asked, metadata=metadata)))
    assert raised.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert "customvision.v1.MetricsService" in {it.name for it in listed.list_services_response.service}


async def words_of_reflection() -> AsyncIterator[Any]:
    """Asks which services there are."""
    yield reflection_pb2.ServerReflectionRequest(list_services="")
