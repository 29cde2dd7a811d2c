"""The gateway's routes and what stands around them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from customvision.common.authentication import KeyRing
from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.gateway.authentication import RequireKey
from customvision.gateway.health import SuiteHealth
from customvision.gateway.metrics import CountRequests, Metrics

SERVICES = ("project", "training", "prediction")


@asynccontextmanager
async def open_application(settings: Settings, keys: Keys) -> AsyncIterator[Starlette]:
    """Yields the application; its channels to the services are closed at the end."""
    health = SuiteHealth({service: settings.address(service) for service in SERVICES}, keys)
    metrics = Metrics(health)
    try:
        yield Starlette(
            routes=[
                Route("/healthz", health.respond, name="healthz"),
                Route("/metrics", metrics.respond, name="metrics"),
            ],
            middleware=[Middleware(CountRequests, metrics=metrics), Middleware(RequireKey, key_ring=KeyRing(keys))],
            exception_handlers={HTTPException: _explain},
        )
    finally:
        await health.close()


async def _explain(_request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else "Something went wrong."
    return JSONResponse({"code": detail.replace(" ", ""), "message": detail}, status_code=status)
