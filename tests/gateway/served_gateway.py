"""The gateway over real HTTP, before a real project service and services whose answers a test writes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx

from customvision.common.authentication import KeyRing
from customvision.common.channel import open_channel
from customvision.common.keys import Keys
from customvision.common.listening import bind
from customvision.common.server import Server
from customvision.common.settings import Settings
from customvision.gateway.application import open_application
from customvision.gateway.bodies import Room
from customvision.gateway.http_server import serve_http
from customvision.project.wiring import open_project_service
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub
from project_calls import Stub
from scripted_server import ScriptedCall, ScriptedServer

Scripts = Mapping[str, Callable[[ScriptedCall], Any]]
TRAINING, PREDICTION = "/customvision/v3.4-preview/training", "/customvision/v3.1/prediction"


@dataclass(frozen=True)
class ServedGateway:
    """A client that carries the training key, a stub of the project service, and the calls to scripted services.

    ``bare`` is a client without a key.
    """

    client: httpx.AsyncClient
    bare: httpx.AsyncClient
    project: Stub
    scripted: ScriptedServer

    def requests(self, method: str) -> list[Any]:
        """Returns the requests that a scripted method got."""
        return [call.request for call in self.scripted.calls[method]]


@asynccontextmanager
async def served_gateway(
    settings: Settings,
    keys: Keys,
    scripts: Scripts | None = None,
    *,
    scripted_project: bool = False,
    room: Room | None = None,
) -> AsyncIterator[ServedGateway]:
    """Serves the gateway; ``scripted_project`` puts the scripts in place of the project service too."""
    async with AsyncExitStack() as stack:
        scripted = stack.enter_context(ScriptedServer(scripts or {}))
        project = scripted.address
        if not scripted_project:
            definition = await stack.enter_async_context(open_project_service(settings))
            server = Server(definition, "127.0.0.1:0", KeyRing(keys))
            project = await server.start()
            stack.push_async_callback(server.stop)
        wired = replace(
            settings,
            project_address=project,
            training_address=scripted.address,
            prediction_address=scripted.address,
        )
        channel = await stack.enter_async_context(open_channel(project, keys))
        application = await stack.enter_async_context(open_application(wired, keys, room))
        listener, stopping = bind("127.0.0.1:0", "http"), asyncio.Event()
        serving = asyncio.create_task(serve_http(application, listener, stopping))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        headers = {"training-key": keys.training_key}
        options: dict[str, Any] = {"base_url": address, "timeout": 60, "limits": httpx.Limits(max_connections=None)}
        client = await stack.enter_async_context(httpx.AsyncClient(headers=headers, **options))
        bare = await stack.enter_async_context(httpx.AsyncClient(**options))
        try:
            yield ServedGateway(client, bare, ProjectServiceStub(channel), scripted)
        finally:
            stopping.set()
            await serving
