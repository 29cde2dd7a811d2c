"""What the gateway tells a Prometheus server."""

import time

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from customvision.gateway.health import SuiteHealth

UNMATCHED = "unmatched"
# HTTP allows any word as a method, and every label value is kept for ever.
KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER_METHOD = "other"


class Metrics:
    """The gateway's figures: which services serve, and what HTTP requests came and how they ended."""

    def __init__(self, health: SuiteHealth) -> None:
        self._health = health
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._service_up = Gauge(
            "customvision_service_up", "1 while the service serves, else 0", ["service"], registry=self._registry
        )
        self._requests = Counter(
            "customvision_http_requests_total",
            "HTTP requests answered",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "customvision_http_request_seconds", "Time to answer an HTTP request", ["route"], registry=self._registry
        )

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts one request that was answered."""
        known = method if method in KNOWN_METHODS else OTHER_METHOD
        self._requests.labels(known, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    async def respond(self, _request: Request) -> Response:
        """Answers in Prometheus' text format."""
        for service, serves in (await self._health.check()).items():
            self._service_up.labels(service).set(serves)
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)


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
            path = route.path if isinstance(route, Route) else UNMATCHED
            self._metrics.count(scope["method"], path, status, time.monotonic() - started)
