"""A service's figures over HTTP, for replicas that have no gateway before them: GET /metrics, and nothing else."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import structlog
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from customvision.common.authentication import TRAINING_KEY_HEADER, KeyRing, Role
from customvision.common.errors import PermissionDenied, ServiceError
from customvision.common.listening import bind, is_loopback
from customvision.common.service_metrics import ServiceMetrics

PATH = "/metrics"
BEARER = "bearer "
GRACE_SECONDS = 1

log = structlog.get_logger()


@contextlib.asynccontextmanager
async def serve_metrics(metrics: ServiceMetrics, address: str, key_ring: KeyRing) -> AsyncIterator[str]:
    """Answers on ``address`` inside the ``async with`` block; yields the address with its real port.

    Raises ConfigurationError where it cannot listen.
    """
    listener = bind(address, "metrics")
    config = uvicorn.Config(
        _MetricsEndpoint(metrics, key_ring),
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    host, port = listener.getsockname()[:2]
    log.info("serving metrics", address=f"{host}:{port}")
    if not is_loopback(host):
        log.warning("listening beyond this machine, without encryption", address=f"{host}:{port}")
    try:
        yield f"{host}:{port}"
    finally:
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to the program."""
        yield


class _MetricsEndpoint:
    def __init__(self, metrics: ServiceMetrics, key_ring: KeyRing) -> None:
        self._metrics = metrics
        self._key_ring = key_ring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._respond(scope)
        await response(scope, receive, send)

    async def _respond(self, scope: Scope) -> Response:
        try:
            self._key_ring.authenticate(_presented(scope), frozenset({Role.TRAINING}))
        except ServiceError as error:
            return PlainTextResponse(f"{error.message}\n", 403 if isinstance(error, PermissionDenied) else 401)
        if scope["path"] != PATH:
            return PlainTextResponse(f"There is only {PATH} here.\n", 404)
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("Ask with GET.\n", 405, {"Allow": "GET, HEAD"})
        return Response(await self._metrics.text(), media_type=CONTENT_TYPE_LATEST)


def _presented(scope: Scope) -> Iterator[tuple[str, str]]:
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name == "authorization" and value.lower().startswith(BEARER):
            name, value = TRAINING_KEY_HEADER, value[len(BEARER) :].strip()
        yield name, value
