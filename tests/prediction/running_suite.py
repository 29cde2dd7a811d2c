"""A project double and prediction services, each on a real server, and the means to take either away."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

import grpc

from customvision.common.authentication import KeyRing
from customvision.common.channel import open_channel
from customvision.common.keys import Keys
from customvision.common.server import Server
from customvision.common.settings import Settings
from customvision.prediction.wiring import open_prediction_service
from customvision.v1 import prediction_service_pb2 as messages
from customvision.v1.prediction_service_pb2_grpc import PredictionServiceStub
from prediction.servicer_double import ProjectDouble

if TYPE_CHECKING:
    from customvision.v1.prediction_service_pb2_grpc import PredictionServiceAsyncStub

PATIENCE_SECONDS = 30.0


class Suite:
    """A project double that can go away and come back at one address, and prediction services that follow it."""

    def __init__(self, settings: Settings, keys: Keys) -> None:
        # Only at type-checking time are the methods that it leaves out abstract.
        self.project = ProjectDouble()  # type: ignore[abstract]
        self.keys = keys
        self.settings = settings
        self._server: Server | None = None

    async def start_project(self) -> None:
        """Serves the double, at the address it had before if it had one."""
        self._server = Server(self.project.definition(), self.settings.project_address, KeyRing(self.keys))
        self.settings = dataclasses.replace(self.settings, project_address=await self._server.start())

    async def stop_project(self) -> None:
        """Takes the double away."""
        if self._server is not None:
            await self._server.stop()
            self._server = None

    @contextlib.asynccontextmanager
    async def prediction(self, keys: Keys | None = None) -> AsyncIterator["Prediction"]:
        """Runs a prediction service; ``keys`` are those that the caller uses, where not the suite's."""
        async with open_prediction_service(self.settings, self.keys) as definition:
            server = Server(definition, "127.0.0.1:0", KeyRing(self.keys))
            address = await server.start()
            channel = open_channel(address, keys or self.keys)
            try:
                yield Prediction(channel, address, server.stop)
            finally:
                await channel.close()
                await server.stop()


class Prediction:
    """A caller of a prediction service at ``address``; ``stop`` drains it."""

    def __init__(self, channel: grpc.aio.Channel, address: str, stop: Callable[[], Awaitable[None]]) -> None:
        self.channel = channel
        self.address = address
        self.stop = stop
        self.stub: PredictionServiceAsyncStub = PredictionServiceStub(channel)

    async def predict(
        self, project_id: str, publish_name: str, image_data: bytes, *, store: bool = False
    ) -> messages.PredictResponse:
        """Asks a model about an image."""
        request = messages.PredictRequest(
            project_id=project_id, publish_name=publish_name, image_data=image_data, store=store
        )
        return await self.ask(request)

    async def ask(self, request: messages.PredictRequest) -> messages.PredictResponse:
        """Sends a question of any kind."""
        return await self.stub.Predict(request, timeout=2 * PATIENCE_SECONDS)

    async def models(self) -> list[messages.ServedModel]:
        """Returns every served model."""
        return list((await self.stub.ListModels(messages.ListModelsRequest())).models)

    async def until(self, condition: Callable[[list[messages.ServedModel]], bool]) -> list[messages.ServedModel]:
        """Waits until the served models are as told, and returns them."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                models = await self.models()
                if condition(models):
                    return models
                await asyncio.sleep(0.01)

    async def serving(self, *iteration_ids: str) -> None:
        """Waits until exactly these iterations answer."""
        await self.until(lambda models: sorted(m.serving_iteration_id for m in models) == sorted(iteration_ids))
