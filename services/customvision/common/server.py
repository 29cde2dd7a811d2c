"""A gRPC server with what every service has: keys, health, reflection, error translation, an orderly end."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha._async import ReflectionServicer
from grpc_reflection.v1alpha.reflection_pb2_grpc import add_ServerReflectionServicer_to_server

from customvision.common import servicer_metrics
from customvision.common.access_log import AccessLog
from customvision.common.authentication import KeyRing, Role
from customvision.common.connections import close_connections
from customvision.common.errors import ConfigurationError
from customvision.common.health import NOT_SERVING, SERVING, HealthServicer, PartsHealth, Status
from customvision.common.interceptor import CallInterceptor
from customvision.common.listening import is_loopback
from customvision.common.reception import Reception
from customvision.common.running_calls import RunningCalls
from customvision.common.service_metrics import ServiceMetrics
from customvision.common.settings import setting_of_address
from customvision.common.tracing import Tracer
from customvision.v1.metrics_service_pb2_grpc import add_MetricsServiceServicer_to_server

MAX_RECEIVE_BYTES = 32 * 1024 * 1024
MAX_PENDING_CALLS = 20_000
# More calls of one connection wait at their caller. The REST gateway has one for all that it watches and asks.
MAX_CALLS_PER_CONNECTION = 1_000
GRACE_SECONDS = 5.0
# For answers that were given to leave this machine.
LAST_ANSWERS_SECONDS = 0.02
ANY_KEY = frozenset({Role.TRAINING, Role.PREDICTION})
TRAINING_KEY_ONLY = frozenset({Role.TRAINING})
REFLECTION_SERVICES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")
OPTIONS = [
    ("grpc.max_receive_message_length", MAX_RECEIVE_BYTES),
    # By default a burst of more than a thousand calls is thinned out with CANCELLED, which tells a caller nothing.
    ("grpc.server.max_pending_requests", MAX_PENDING_CALLS),
    ("grpc.server.max_pending_requests_hard_limit", MAX_PENDING_CALLS),
    ("grpc.max_concurrent_streams", MAX_CALLS_PER_CONNECTION),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
]

log = structlog.get_logger()


async def ready_at_once() -> None:
    """Returns: what serves needs nothing else."""


@dataclass(frozen=True)
class ServiceDefinition:
    """What a service hands to its server.

    ``name`` is short ("project"), ``full_name`` the protobuf one; ``register`` adds the servicer;
    ``roles`` open its methods; ``end_streams`` makes endless streams end when the server drains; ``until_ready``
    returns once it can answer as it should: only then health says SERVING. ``metrics`` are its figures, to which the
    server adds those of its calls; ``health_of_parts`` tells how parts of it are doing that are asked for by name;
    ``reception`` receives the messages of methods that carry much; ``unread_bytes`` of a call may come before it is
    read, None: as much as gRPC finds the network to hold, which may be many megabytes.
    """

    name: str
    full_name: str
    register: Callable[[grpc.aio.Server], None]
    roles: frozenset[Role]
    end_streams: Callable[[], None]
    until_ready: Callable[[], Coroutine[Any, Any, None]] = ready_at_once
    metrics: ServiceMetrics = field(default_factory=ServiceMetrics)
    health_of_parts: PartsHealth | None = None
    reception: Reception | None = None
    unread_bytes: int | None = None


class Server:
    """Serves one service on one address, from ``start`` to ``stop``."""

    def __init__(
        self,
        definition: ServiceDefinition,
        address: str,
        key_ring: KeyRing,
        *,
        share_port: bool = False,
        access_log: AccessLog | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        """With ``share_port`` other servers that ask for it too may listen on ``address``."""
        self._definition = definition
        self._address = address
        roles = {definition.full_name: definition.roles, servicer_metrics.FULL_NAME: TRAINING_KEY_ONLY}
        roles |= dict.fromkeys(REFLECTION_SERVICES, ANY_KEY)
        # On by default: a second server would steal the port in silence.
        options = [("grpc.so_reuseport", int(share_port)), *OPTIONS, *_window(definition.unread_bytes)]
        self._calls = RunningCalls()
        around = CallInterceptor(
            key_ring,
            roles,
            self._calls,
            definition.metrics.calls,
            access_log or AccessLog(),
            tracer,
            definition.reception,
        )
        self._server = grpc.aio.server(interceptors=[around], options=options)
        self._port = 0
        self._health = HealthServicer(definition.full_name, definition.health_of_parts)
        self._readiness: asyncio.Task[None] | None = None
        definition.register(self._server)
        add_MetricsServiceServicer_to_server(servicer_metrics.MetricsServicer(definition.metrics), self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        _add_reflection(self._server, definition.full_name)

    async def start(self) -> str:
        """Binds, serves and returns the address with its real port; health says SERVING once the service is ready.

        Raises ConfigurationError where it cannot bind.
        """
        host = self._address.rpartition(":")[0]
        try:
            self._port = self._server.add_insecure_port(self._address)
        except RuntimeError as error:
            raise ConfigurationError(
                f"The {self._definition.name} service cannot listen on {self._address}: the port is in use or the "
                f"address is not this machine's. Stop what uses it, or set {setting_of_address(self._definition.name)}."
            ) from error
        if not is_loopback(host):
            log.warning("listening beyond this machine, without encryption", address=self._address)
        self._set_health(NOT_SERVING)
        if self._definition.until_ready is ready_at_once:
            self._set_health(SERVING)
        else:
            self._readiness = asyncio.create_task(self._say_when_ready())
        await self._server.start()
        return f"{host}:{self._port}"

    async def stop(self, lame_duck_seconds: float = 0.0) -> None:
        """Says NOT_SERVING and still serves for so long, ends endless streams, lets running calls finish, then stops.

        The time is for balancers to notice, and to send new calls elsewhere. Callers who did not notice are turned away
        with UNAVAILABLE, which retry policies repeat.
        """
        if self._readiness is not None:
            self._readiness.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._readiness
        self._health.drain()
        await asyncio.sleep(lame_duck_seconds)
        self._definition.end_streams()
        self._health.end_watches()
        await self._calls.finish(GRACE_SECONDS)
        await asyncio.sleep(LAST_ANSWERS_SECONDS)
        # gRPC would end calls that arrive from now on as CANCELLED, as if their callers had; a connection that closes
        # makes them UNAVAILABLE. Nothing is awaited in between, so that nobody connects again in time.
        close_connections(self._port)
        await self._server.stop(None)

    async def _say_when_ready(self) -> None:
        await self._definition.until_ready()
        self._set_health(SERVING)

    def _set_health(self, status: Status) -> None:
        for name in ("", self._definition.full_name):
            self._health.set(name, status)


def _add_reflection(server: grpc.aio.Server, full_name: str) -> None:
    names = (full_name, servicer_metrics.FULL_NAME, "grpc.health.v1.Health", *REFLECTION_SERVICES)
    servicer = ReflectionServicer(names)
    add_ServerReflectionServicer_to_server(servicer, server)
    # The v1 messages are wire-identical to v1alpha's, which is all that the library ships.
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    generic = grpc.method_handlers_generic_handler(REFLECTION_SERVICES[0], {"ServerReflectionInfo": handler})
    server.add_generic_rpc_handlers((generic,))


def _window(unread_bytes: int | None) -> list[tuple[str, int]]:
    if unread_bytes is None:
        return []
    return [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", unread_bytes)]
