"""What the gateway tells a Prometheus server: its own figures, and those of the services."""

import asyncio
import time

import grpc
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from customvision.common.exposition import merged
from customvision.gateway.health import SuiteHealth
from customvision.gateway.rest.versions import TRAINING_PREFIX
from customvision.v1.metrics_service_pb2 import GetMetricsRequest
from customvision.v1.metrics_service_pb2_grpc import MetricsServiceStub

# A scrape that waits longer is given up by Prometheus, and with it the figures of the services that did answer.
GET_SECONDS = 2.0
SERVICE_LABEL = "service"
UNMATCHED = "unmatched"
# HTTP allows any word as a method, and every label value is kept for ever.
KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER_METHOD = "other"


class Metrics:
    """The gateway's figures (which services serve, what HTTP requests came, how they ended) and the services'."""

    def __init__(self, health: SuiteHealth) -> None:
        self._health = health
        self.registry = CollectorRegistry()
        # Every service tells these of itself.
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)
        PlatformCollector(registry=self._process)
        self._service_up = Gauge(
            "customvision_service_up", "1 while the service serves, else 0", ["service"], registry=self.registry
        )
        self._requests = Counter(
            "customvision_http_requests_total",
            "HTTP requests answered",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "customvision_http_request_seconds", "Time to answer an HTTP request", ["route"], registry=self.registry
        )

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts one request that was answered."""
        known = method if method in KNOWN_METHODS else OTHER_METHOD
        self._requests.labels(known, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    async def respond(self, _request: Request) -> Response:
        """Answers in Prometheus' text format. A service that does not answer is left out, and told as down."""
        serving, texts = await asyncio.gather(self._health.check(), self._texts())
        for service, serves in serving.items():
            self._service_up.labels(service).set(serves)
        text = await asyncio.to_thread(self._told_together, texts)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    async def _texts(self) -> dict[str, str]:
        channels = self._health.channels
        texts = await asyncio.gather(*(_text_of(channel) for channel in channels.values()))
        return dict(zip(channels, texts, strict=True))

    def _told_together(self, texts: dict[str, str]) -> str:
        services = {"gateway": generate_latest(self._process).decode()} | texts
        return generate_latest(self.registry).decode() + merged(services, SERVICE_LABEL)


async def _text_of(channel: grpc.aio.Channel) -> str:
    try:
        answer = await MetricsServiceStub(channel).GetMetrics(GetMetricsRequest(), timeout=GET_SECONDS)
    except grpc.RpcError:
        return ""
    return str(answer.text)


class CountRequests:
    """ASGI middleware that counts requests by route, so that ids in paths make no new series."""

    def __init__(self, application: ASGIApp, metrics: Metrics) -> None:
        self._application = application
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on and counts its answer."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        started = time.monotonic()
        status = 500

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._application(scope, receive, note_status)
        finally:
            route = scope.get("route")
            # Routes of the training API are told as those who watch know them, from the version on.
            path = route.path.removeprefix(TRAINING_PREFIX) if isinstance(route, Route) else UNMATCHED
            self._metrics.count(scope["method"], path, status, time.monotonic() - started)
