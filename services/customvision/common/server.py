"""A gRPC server with what every service has: keys, health, reflection, error translation, an orderly end."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

import grpc
import structlog
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha._async import ReflectionServicer
from grpc_reflection.v1alpha.reflection_pb2_grpc import add_ServerReflectionServicer_to_server

from customvision.common.authentication import KeyRing, Role
from customvision.common.errors import ConfigurationError
from customvision.common.health import SERVING, HealthServicer, PartsHealth
from customvision.common.interceptor import CallInterceptor
from customvision.common.settings import setting_of_address

MAX_RECEIVE_BYTES = 32 * 1024 * 1024
MAX_PENDING_CALLS = 20_000
GRACE_SECONDS = 5.0
ANY_KEY = frozenset({Role.TRAINING, Role.PREDICTION})
TRAINING_KEY_ONLY = frozenset({Role.TRAINING})
REFLECTION_SERVICES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")
OPTIONS = [
    # On by default: a second server would steal the port in silence.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MAX_RECEIVE_BYTES),
    # By default a burst of more than a thousand calls is thinned out with CANCELLED, which tells a caller nothing.
    ("grpc.server.max_pending_requests", MAX_PENDING_CALLS),
    ("grpc.server.max_pending_requests_hard_limit", MAX_PENDING_CALLS),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
]

log = structlog.get_logger()


@dataclass(frozen=True)
class ServiceDefinition:
    """What a service hands to its server.

    ``name`` is short ("project"), ``full_name`` the protobuf one; ``register`` adds the servicer;
    ``roles`` open its methods; ``end_streams`` makes endless streams end when the server drains.
    ``health_of_parts`` tells how parts of it are doing that health is asked for by name.
    """

    name: str
    full_name: str
    register: Callable[[grpc.aio.Server], None]
    roles: frozenset[Role]
    end_streams: Callable[[], None]
    health_of_parts: PartsHealth | None = None


class Server:
    """Serves one service on one address, from ``start`` to ``stop``."""

    def __init__(self, definition: ServiceDefinition, address: str, key_ring: KeyRing) -> None:
        self._definition = definition
        self._address = address
        roles = {definition.full_name: definition.roles} | dict.fromkeys(REFLECTION_SERVICES, ANY_KEY)
        self._server = grpc.aio.server(interceptors=[CallInterceptor(key_ring, roles)], options=OPTIONS)
        self._health = HealthServicer(definition.full_name, definition.health_of_parts)
        definition.register(self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        _add_reflection(self._server, definition.full_name)

    async def start(self) -> str:
        """Binds, serves and returns the address with its real port. Raises ConfigurationError where it cannot bind."""
        host = self._address.rpartition(":")[0]
        try:
            port = self._server.add_insecure_port(self._address)
        except RuntimeError as error:
            raise ConfigurationError(
                f"The {self._definition.name} service cannot listen on {self._address}: the port is in use or the "
                f"address is not this machine's. Stop what uses it, or set {setting_of_address(self._definition.name)}."
            ) from error
        if not _is_loopback(host):
            log.warning("listening beyond this machine, without encryption", address=self._address)
        await self._server.start()
        for name in ("", self._definition.full_name):
            self._health.set(name, SERVING)
        return f"{host}:{port}"

    async def stop(self) -> None:
        """Says NOT_SERVING, ends endless streams, lets running calls finish, then stops."""
        self._health.drain()
        self._definition.end_streams()
        self._health.end_watches()
        await self._server.stop(GRACE_SECONDS)


def _add_reflection(server: grpc.aio.Server, full_name: str) -> None:
    servicer = ReflectionServicer([full_name, "grpc.health.v1.Health", *REFLECTION_SERVICES])
    add_ServerReflectionServicer_to_server(servicer, server)
    # The v1 messages are wire-identical to v1alpha's, which is all that the library ships.
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    generic = grpc.method_handlers_generic_handler(REFLECTION_SERVICES[0], {"ServerReflectionInfo": handler})
    server.add_generic_rpc_handlers((generic,))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
