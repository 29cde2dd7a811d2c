"""The standard health check (grpc.health.v1), whose watches end when the server drains."""

from collections.abc import AsyncIterator
from typing import Any

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


class HealthServicer(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """Tells of each service by its name whether it serves; the empty name stands for the whole server."""

    def __init__(self) -> None:
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

    def end_watches(self) -> None:
        """Ends every watch, once it has told what there is to tell."""
        self._notifier.close()

    async def Check(  # noqa: N802 - gRPC's name
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> health_pb2.HealthCheckResponse:
        """Returns the health of a service."""
        status = self._statuses.get(request.service)
        if status is None:
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
            changed = self._notifier.subscribe(_CHANGES)
            status = self._statuses.get(request.service, UNKNOWN)
            if status != told:
                yield health_pb2.HealthCheckResponse(status=status)
                told = status
            if self._notifier.closed:
                return
            await changed.wait()
