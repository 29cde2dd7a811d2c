"""The standard health check (grpc.health.v1), also of parts of a service that come and go."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Protocol

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from customvision.common.notifier import Notifier

Status = int
SERVING: Status = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING: Status = health_pb2.HealthCheckResponse.NOT_SERVING
UNKNOWN: Status = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN

# One topic for all: names come from callers without a key, and each topic that is waited for takes memory.
_CHANGES = "changes"

Context = grpc.aio.ServicerContext[Any, Any]


class PartsHealth(Protocol):
    """Knows how the parts of a service are doing, which come and go."""

    def is_serving(self, part: str) -> bool | None:
        """Tells whether a part serves; None where there is no such part."""

    def changed(self, part: str) -> asyncio.Event:
        """Returns the event that the next change of a part sets, if not others too."""

    def wake(self) -> None:
        """Sets the events of all parts."""


class HealthServicer(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """Tells of each service by its name whether it serves; the empty name stands for the whole server.

    A part of the service ``full_name`` goes by ``<full name>/<part>``; how it is doing is asked of ``parts``.
    """

    def __init__(self, full_name: str = "", parts: PartsHealth | None = None) -> None:
        self._prefix = f"{full_name}/"
        self._parts = parts
        self._statuses: dict[str, Status] = {}
        self._notifier = Notifier()
        self._draining = False

    def set(self, service: str, status: Status) -> None:
        """Has ``service`` be told as ``status`` from now on; changes nothing once the server drains."""
        if not self._draining:
            self._statuses[service] = status
            self._notifier.touch(_CHANGES)

    def drain(self) -> None:
        """Tells every service as NOT_SERVING, for good."""
        for service in self._statuses:
            self.set(service, NOT_SERVING)
        self._draining = True
        if self._parts is not None:
            self._parts.wake()

    def end_watches(self) -> None:
        """Ends every watch, once it has told what there is to tell."""
        self._notifier.close()
        if self._parts is not None:
            self._parts.wake()

    async def Check(  # noqa: N802 - gRPC's name
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> health_pb2.HealthCheckResponse:
        """Returns the health of a service."""
        status = self._status(request.service)
        if status == UNKNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND, "There is no service of this name here.")
        return health_pb2.HealthCheckResponse(status=status)

    async def Watch(  # noqa: N802 - gRPC's name
        self,
        request: health_pb2.HealthCheckRequest,
        context: Context,  # noqa: ARG002 - gRPC's
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """Tells the health of a service, then each change, until the server drains."""
        told: Status | None = None
        while True:
            changed = self._changed(request.service)
            status = self._status(request.service)
            if status != told:
                yield health_pb2.HealthCheckResponse(status=status)
                told = status
            if self._notifier.closed:
                return
            await changed.wait()

    def _status(self, service: str) -> Status:
        if self._parts is None or not service.startswith(self._prefix):
            return self._statuses.get(service, UNKNOWN)
        serving = self._parts.is_serving(service.removeprefix(self._prefix))
        if serving is None:
            return UNKNOWN
        return SERVING if serving and not self._draining else NOT_SERVING

    def _changed(self, service: str) -> asyncio.Event:
        if self._parts is None or not service.startswith(self._prefix):
            return self._notifier.subscribe(_CHANGES)
        return self._parts.changed(service.removeprefix(self._prefix))
