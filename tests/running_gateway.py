"""The gateway over real HTTP on port 0, and clients of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from customvision.common.keys import Keys
from customvision.common.listening import bind
from customvision.common.settings import Settings
from customvision.gateway.application import open_application
from customvision.gateway.http_server import serve_http

TRAINING_API = "/customvision/v3.4-preview/training"
# Of nothing anywhere.
MISSING = "00000000-0000-4000-8000-000000000000"


@asynccontextmanager
async def gateway(
    settings: Settings, keys: Keys, stopping: asyncio.Event | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """Serves the gateway until ``stopping`` is set and yields a client of it that carries no key."""
    listener = bind("127.0.0.1:0", "http")
    stopping = stopping or asyncio.Event()
    async with open_application(settings, keys, stopping=stopping) as application:
        serving = asyncio.create_task(serve_http(application, listener, stopping))
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}") as client:
                yield client
        finally:
            stopping.set()
            await serving


@asynccontextmanager
async def training_api(
    settings: Settings, keys: Keys, stopping: asyncio.Event | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """Serves the gateway and yields a client of its training API that carries the training key."""
    async with gateway(settings, keys, stopping) as client:
        client.headers["Training-Key"] = keys.training_key
        client.base_url = client.base_url.join(TRAINING_API)
        client.timeout = httpx.Timeout(30)
        yield client


def refused(answer: httpx.Response, status: int, code: str) -> str:
    """Returns the sentence of an answer that refuses; fails where it does not, or otherwise."""
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"code", "message"}
    assert answer.json()["code"] == code, answer.text
    message: str = answer.json()["message"]
    return message
