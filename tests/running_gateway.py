"""The gateway over real HTTP on port 0, clients of it, and what stands behind it: real services or a test's answers."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx

from customvision.common.authentication import KeyRing
from customvision.common.channel import open_channel
from customvision.common.keys import Keys
from customvision.common.listening import bind
from customvision.common.server import Server, ServiceDefinition
from customvision.common.settings import Settings
from customvision.gateway.application import open_application
from customvision.gateway.http_server import serve_http
from customvision.gateway.room import Room
from customvision.project.wiring import open_project_service
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub
from project_calls import Stub
from scripted_server import ScriptedCall, ScriptedServer

TRAINING_API, PREDICTION_API = "/customvision/v3.4-preview/training", "/customvision/v3.1/prediction"
# Of nothing anywhere.
MISSING = "00000000-0000-4000-8000-000000000000"
# Each client would load the certificates of the world, which takes longer than most tests, and none speaks TLS.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
Scripts = Mapping[str, Callable[[ScriptedCall], Any]]
OpenService = Callable[[Settings, Keys], AbstractAsyncContextManager[ServiceDefinition]]


def client_of(address: httpx.URL | str, **options: Any) -> httpx.AsyncClient:
    """Returns a client of the gateway at this address."""
    return httpx.AsyncClient(base_url=address, verify=NO_CERTIFICATES, **options)


@asynccontextmanager
async def gateway(
    settings: Settings, keys: Keys, stopping: asyncio.Event | None = None, *, room: Room | None = None, port: int = 0
) -> AsyncIterator[httpx.AsyncClient]:
    """Serves the gateway until ``stopping`` is set and yields a client of it that carries no key."""
    listener = bind(f"127.0.0.1:{port}", "http")
    stopping = stopping or asyncio.Event()
    async with open_application(settings, keys, room, stopping=stopping) as application:
        serving = asyncio.create_task(serve_http(application, listener, stopping))
        try:
            async with client_of(f"http://127.0.0.1:{listener.getsockname()[1]}") as client:
                yield client
        finally:
            stopping.set()
            await serving


@asynccontextmanager
async def training_api(
    settings: Settings, keys: Keys, stopping: asyncio.Event | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """Serves the gateway and yields a client of its training API that carries the training key."""
    async with gateway(settings, keys, stopping) as bare, training_client(bare.base_url, keys) as client:
        yield client


def training_client(address: httpx.URL, keys: Keys) -> httpx.AsyncClient:
    """Returns a client of the training API of the gateway at this address that carries the training key."""
    return client_of(address.join(TRAINING_API), headers={"Training-Key": keys.training_key}, timeout=30)


@dataclass(frozen=True)
class ServedGateway:
    """A client that carries the training key, a stub of the project service, and the calls to scripted services.

    ``bare`` is a client without a key; ``settings`` have the addresses of the services.
    """

    client: httpx.AsyncClient
    bare: httpx.AsyncClient
    project: Stub
    scripted: ScriptedServer
    settings: Settings

    def requests(self, method: str) -> list[Any]:
        """Returns the requests that a scripted method got."""
        return [call.request for call in self.scripted.calls[method]]


# Gives the services behind a gateway these scripts and returns it.
ScriptedGateway = Callable[[Scripts], ServedGateway]


@asynccontextmanager
async def served_gateway(
    settings: Settings,
    keys: Keys,
    scripts: Scripts | None = None,
    *,
    scripted_project: bool = False,
    room: Room | None = None,
    training: OpenService | None = None,
    prediction: OpenService | None = None,
) -> AsyncIterator[ServedGateway]:
    """Serves the gateway before a project service and services whose answers the scripts write.

    ``scripted_project`` puts the scripts in place of the project service too; ``training`` and ``prediction`` open real
    services in place of the scripts.
    """
    async with AsyncExitStack() as stack:
        scripted = stack.enter_context(ScriptedServer(scripts or {}))
        project = scripted.address
        if not scripted_project:
            project = await _served(stack, open_project_service(settings), keys)
        wired = replace(
            settings,
            project_address=project,
            training_address=scripted.address,
            prediction_address=scripted.address,
        )
        if training:
            wired = replace(wired, training_address=await _served(stack, training(wired, keys), keys))
        if prediction:
            wired = replace(wired, prediction_address=await _served(stack, prediction(wired, keys), keys))
        channel = await stack.enter_async_context(open_channel(project, keys))
        address = (await stack.enter_async_context(gateway(wired, keys, room=room))).base_url
        options: dict[str, Any] = {"timeout": 60, "limits": httpx.Limits(max_connections=None)}
        headers = {"training-key": keys.training_key}
        client = await stack.enter_async_context(client_of(address, headers=headers, **options))
        bare = await stack.enter_async_context(client_of(address, **options))
        yield ServedGateway(client, bare, ProjectServiceStub(channel), scripted, wired)


async def _served(stack: AsyncExitStack, opening: AbstractAsyncContextManager[ServiceDefinition], keys: Keys) -> str:
    """Serves a service for as long as the stack and returns its address."""
    server = Server(await stack.enter_async_context(opening), "127.0.0.1:0", KeyRing(keys))
    address = await server.start()
    stack.push_async_callback(server.stop)
    return address


def refused(answer: httpx.Response, status: int, code: str) -> str:
    """Returns the sentence of an answer that refuses; fails where it does not, or otherwise."""
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"code", "message"}
    assert answer.json()["code"] == code, answer.text
    message: str = answer.json()["message"]
    return message
