"""Serves a service's figures over gRPC, beside the service's own methods."""

from typing import Any

import grpc

from customvision.common.service_metrics import ServiceMetrics
from customvision.v1 import metrics_service_pb2 as messages
from customvision.v1.metrics_service_pb2_grpc import MetricsServiceServicer

FULL_NAME: str = messages.DESCRIPTOR.services_by_name["MetricsService"].full_name


class MetricsServicer(MetricsServiceServicer):
    """Serves customvision.v1.MetricsService."""

    def __init__(self, metrics: ServiceMetrics) -> None:
        self._metrics = metrics

    async def GetMetrics(
        self, request: messages.GetMetricsRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> messages.GetMetricsResponse:
        """Returns the figures as they are now."""
        return messages.GetMetricsResponse(text=await self._metrics.text())
