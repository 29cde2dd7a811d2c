"""Spans of what a service answers, where OpenTelemetry is installed and its own variables ask for them."""

import os
from collections.abc import Iterable, Mapping
from typing import Protocol

import structlog

# Any of these says where spans go; without one, nothing is imported and nothing is sent.
ASKING = ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")

Attributes = Mapping[str, str | int]

log = structlog.get_logger()


class Span(Protocol):
    """What a service does for one caller, while it lasts."""

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """What names it to others."""

    def end(self, attributes: Attributes, *, failed: bool) -> None:
        """Ends it with what is known then; ``failed`` is for faults of the service, not of its caller."""


class Tracer(Protocol):
    """Begins spans."""

    def begin(self, name: str, attributes: Attributes, headers: Iterable[tuple[str, str | bytes]]) -> Span:
        """Begins a span as a part of the trace that the caller's ``headers`` name, or of a new one."""

    def close(self) -> None:
        """Sends what is left. Blocks for seconds where nobody takes it."""


def open_tracer(service: str, environment: Mapping[str, str] | None = None) -> Tracer | None:
    """Returns a tracer for the service of that short name, or None where spans are not asked for or cannot be had."""
    values = os.environ if environment is None else environment
    if not _is_asked_for(values):
        return None
    try:
        # Imported only now: who does not trace pays nothing for it.
        from customvision.common.opentelemetry_tracer import OpenTelemetryTracer
    except ImportError as error:
        log.warning("traces are asked for and the extra 'opentelemetry' is not installed", missing=error.name)
        return None
    return OpenTelemetryTracer(service, values)


def _is_asked_for(values: Mapping[str, str]) -> bool:
    exporter = values.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if values.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or exporter == "none":
        return False
    return any(values.get(name, "").strip() for name in ASKING)
