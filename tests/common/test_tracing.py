"""Spans are for those who installed them and asked for them."""

import subprocess
import sys
from typing import Any

import grpc
import pytest
import structlog

from customvision.common.authentication import KeyRing
from customvision.common.channel import open_channel
from customvision.common.keys import Keys
from customvision.common.server import TRAINING_KEY_ONLY, Server, ServiceDefinition
from customvision.common.tracing import open_tracer

TRACE_ID, PARENT_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_SERVICE_NAME": "mine", "OTEL_RESOURCE_ATTRIBUTES": "a=b"},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
        {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "TRUE"},
    ],
)
def test_nothing_is_traced_unless_it_is_said_where_to(environment: dict[str, str]) -> None:
    """Variables that do not ask for spans, or switch them off, leave a service without a tracer."""
    assert open_tracer("project", environment) is None


def test_services_do_not_load_what_traces() -> None:
    """Nobody pays for tracing who has not asked for it, and nothing can be sent."""
    code = (
        "import os, sys\n"
        "for name in [name for name in os.environ if name.startswith('OTEL_')]: del os.environ[name]\n"
        "import customvision.common.serving\n"
        "from customvision.common.tracing import open_tracer\n"
        "assert open_tracer('project') is None\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])\n"
    )
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert outcome.stdout.strip() == "[]"


def test_asking_without_the_extra_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service goes on without spans where they cannot be had, and its log says what is missing."""
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)
    monkeypatch.delitem(sys.modules, "customvision.common.opentelemetry_tracer", raising=False)
    with structlog.testing.capture_logs() as entries:
        assert open_tracer("project", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}) is None
    assert [entry["log_level"] for entry in entries] == ["warning"]
    assert "opentelemetry" in entries[0]["event"]


async def test_a_call_is_a_span_of_its_callers_trace(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call's span hangs below the caller's, knows how it ended, and is the parent of calls that are made for it."""
    pytest.importorskip("opentelemetry.sdk", reason="the extra 'opentelemetry' is not installed")
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from customvision.common import opentelemetry_tracer
    from customvision.common.call_context import handed_on

    async def answer(request: bytes, _: Any) -> bytes:
        if request == b"bug":
            raise RuntimeError("a bug")
        return dict(handed_on())["traceparent"].encode()

    handlers: dict[str, Any] = {"Ask": grpc.unary_unary_rpc_method_handler(answer)}
    generic = grpc.method_handlers_generic_handler("test.Traced", handlers)
    definition = ServiceDefinition(
        "traced", "test.Traced", lambda it: it.add_generic_rpc_handlers((generic,)), TRAINING_KEY_ONLY, lambda: None
    )
    spans = InMemorySpanExporter()
    monkeypatch.setattr(opentelemetry_tracer, "_processor", lambda _: SimpleSpanProcessor(spans))
    tracer = opentelemetry_tracer.OpenTelemetryTracer("traced", {})
    server = Server(definition, "127.0.0.1:0", KeyRing(keys), tracer=tracer)
    channel: Any
    async with open_channel(await server.start(), keys) as channel:
        ask = channel.unary_unary("/test.Traced/Ask")
        handed = (await ask(b"", metadata=(("traceparent", f"00-{TRACE_ID}-{PARENT_ID}-01"),))).decode()
        with pytest.raises(grpc.aio.AioRpcError):
            await ask(b"bug")
    await server.stop()
    answered, failed = spans.get_finished_spans()
    assert answered.name == "test.Traced/Ask"
    assert answered.context is not None
    assert answered.parent is not None
    assert f"{answered.parent.span_id:016x}" == PARENT_ID
    assert handed == f"00-{TRACE_ID}-{answered.context.span_id:016x}-01"
    assert answered.resource.attributes["service.name"] == "customvision-traced"
    assert answered.attributes is not None
    assert answered.attributes["rpc.grpc.status_code"] == 0
    assert answered.status.is_unset
    assert failed.parent is None
    assert failed.status.status_code.name == "ERROR"
