"""Spans through OpenTelemetry's SDK, set up by its own environment variables."""

from collections.abc import Iterable, Mapping

import structlog
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor
from opentelemetry.trace import Span as SdkSpan
from opentelemetry.trace import SpanKind, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.trace.status import Status, StatusCode

from customvision.common.errors import ConfigurationError
from customvision.common.tracing import Attributes

_PROPAGATOR = TraceContextTextMapPropagator()


class OpenTelemetryTracer:
    """A provider of its own: nothing is set for the whole process."""

    def __init__(self, service: str, environment: Mapping[str, str]) -> None:
        """Raises ConfigurationError where the environment names an exporter or a protocol that is not known here."""
        self._provider = TracerProvider(resource=_resource(service, environment), shutdown_on_exit=False)
        self._provider.add_span_processor(_processor(environment))
        self._tracer = self._provider.get_tracer("customvision")

    def begin(self, name: str, attributes: Attributes, headers: Iterable[tuple[str, str | bytes]]) -> "_Span":
        """Begins a span as a part of the trace that the caller's ``headers`` name, or of a new one."""
        carrier = {key: value for key, value in headers if isinstance(value, str)}
        parent = _PROPAGATOR.extract(carrier)
        span = self._tracer.start_span(name, context=parent, kind=SpanKind.SERVER, attributes=dict(attributes))
        # Log entries of the call lead to its trace.
        structlog.contextvars.bind_contextvars(trace_id=f"{span.get_span_context().trace_id:032x}")
        return _Span(span)

    def close(self) -> None:
        """Sends what is left. Blocks for seconds where nobody takes it."""
        self._provider.shutdown()


class _Span:
    def __init__(self, span: SdkSpan) -> None:
        self._span = span
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier, context=set_span_in_context(span))
        self.headers = tuple(carrier.items())

    def end(self, attributes: Attributes, *, failed: bool) -> None:
        """Ends it with what is known then."""
        self._span.set_attributes(dict(attributes))
        if failed:
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


def _resource(service: str, environment: Mapping[str, str]) -> Resource:
    named = environment.get("OTEL_SERVICE_NAME") or "service.name=" in environment.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return Resource.create({} if named else {SERVICE_NAME: f"customvision-{service}"})


def _processor(environment: Mapping[str, str]) -> BatchSpanProcessor | SimpleSpanProcessor:
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower() or "otlp"
    if exporter == "console":
        return SimpleSpanProcessor(ConsoleSpanExporter())
    if exporter != "otlp":
        raise ConfigurationError(f"OTEL_TRACES_EXPORTER is '{exporter}'; it must be 'otlp', 'console' or 'none'.")
    protocol = (
        environment.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
        or environment.get("OTEL_EXPORTER_OTLP_PROTOCOL")
        or "grpc"
    )
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter

        return BatchSpanProcessor(GrpcExporter())
    if protocol == "http/protobuf":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter

        return BatchSpanProcessor(HttpExporter())
    raise ConfigurationError(f"OTEL_EXPORTER_OTLP_PROTOCOL is '{protocol}'; it must be 'grpc' or 'http/protobuf'.")
