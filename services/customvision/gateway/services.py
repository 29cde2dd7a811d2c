"""The three services that the gateway calls."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from customvision.common.channel import open_channel
from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.v1.prediction_service_pb2_grpc import PredictionServiceStub
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub
from customvision.v1.training_service_pb2_grpc import TrainingServiceStub

if TYPE_CHECKING:
    from customvision.v1.prediction_service_pb2_grpc import PredictionServiceAsyncStub
    from customvision.v1.project_service_pb2_grpc import ProjectServiceAsyncStub
    from customvision.v1.training_service_pb2_grpc import TrainingServiceAsyncStub

SERVICES = ("project", "training", "prediction")
# A batch of 64 URLs, eight at once, each given up after 15 seconds, is the longest that a call may take.
CALL_SECONDS = 180.0


@dataclass(frozen=True)
class Services:
    """Stubs of the services; every call carries the training key, so callers are checked before."""

    project: "ProjectServiceAsyncStub"
    training: "TrainingServiceAsyncStub"
    prediction: "PredictionServiceAsyncStub"


@asynccontextmanager
async def open_services(settings: Settings, keys: Keys) -> AsyncIterator[Services]:
    """Yields the stubs; their channels are closed at the end."""
    channels = [open_channel(settings.address(service), keys, unary_seconds=CALL_SECONDS) for service in SERVICES]
    project, training, prediction = channels
    try:
        yield Services(ProjectServiceStub(project), TrainingServiceStub(training), PredictionServiceStub(prediction))
    finally:
        await asyncio.gather(*(channel.close() for channel in channels))
