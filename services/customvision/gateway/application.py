"""The gateway's routes and what stands around them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from customvision.common.access_log import AccessLog
from customvision.common.authentication import KeyRing
from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.common.tracing import Tracer
from customvision.gateway import api_errors
from customvision.gateway.absolute_targets import AbsoluteTargets
from customvision.gateway.authentication import RequireKey
from customvision.gateway.blobs import Blobs
from customvision.gateway.canonical_paths import CanonicalPaths
from customvision.gateway.documentation import Documentation
from customvision.gateway.export_downloads import ExportDownloads
from customvision.gateway.health import SuiteHealth
from customvision.gateway.links import PREFIX, Links
from customvision.gateway.methods import AnswerHead
from customvision.gateway.metrics import CountRequests, Metrics
from customvision.gateway.own_hosts import OwnHosts
from customvision.gateway.page.addresses import Addresses
from customvision.gateway.page.mistyped import TellOfMistyped
from customvision.gateway.page.routes import page_routes
from customvision.gateway.page.sessions import RequireSession, Sessions
from customvision.gateway.requests import FollowRequests
from customvision.gateway.response_headers import SecurityHeaders
from customvision.gateway.rest.api import api_routes
from customvision.gateway.rest.prediction.classification import classification_routes
from customvision.gateway.room import Room
from customvision.gateway.services import SERVICES, open_services
from customvision.gateway.tag_types import TagTypes
from customvision.gateway.unread_bodies import ReadToTheEnd


@asynccontextmanager
async def open_application(
    settings: Settings,
    keys: Keys,
    room: Room | None = None,
    *,
    stopping: asyncio.Event | None = None,
    tracer: Tracer | None = None,
) -> AsyncIterator[FastAPI]:
    """Yields the application; its channels to the services are closed at the end.

    ``room`` is what the image bodies that are read at one time may take; endless streams end once ``stopping`` is set.
    """
    health = SuiteHealth({service: settings.address(service) for service in SERVICES}, keys)
    metrics, links = Metrics(health), Links(keys)
    room, stopping, sessions = room or Room(), stopping or asyncio.Event(), Sessions(keys)
    async with open_services(settings, keys) as services:
        tag_types = TagTypes(services)
        application = FastAPI(
            openapi_url=None,
            redirect_slashes=False,
            routes=[
                Route("/healthz", health.respond, name="healthz"),
                Route("/metrics", metrics.respond, name="metrics"),
                ExportDownloads(services, PREFIX, links.check).route(),
                *Blobs(services, PREFIX, links.check).routes(),
                # Most of what is asked for, and found first.
                *classification_routes(services, tag_types, room),
                *page_routes(services, sessions, Addresses(settings), room, stopping),
                *api_routes(services, links, tag_types, room, stopping),
            ],
            middleware=[
                Middleware(SecurityHeaders),
                Middleware(AbsoluteTargets),
                Middleware(CanonicalPaths),
                Middleware(FollowRequests, access_log=AccessLog(on=settings.access_log), tracer=tracer),
                Middleware(CountRequests, metrics=metrics),
                Middleware(ReadToTheEnd),
                Middleware(OwnHosts, settings=settings),
                Middleware(TellOfMistyped),
                Middleware(RequireKey, key_ring=KeyRing(keys)),
                Middleware(RequireSession, sessions=sessions),
                Middleware(AnswerHead),
            ],
            exception_handlers={
                api_errors.ApiError: api_errors.explain,
                grpc.aio.AioRpcError: api_errors.explain_call,
                RequestValidationError: api_errors.explain_query,
                HTTPException: api_errors.explain_http,
                Exception: api_errors.explain_fault,
            },
        )
        documentation = Documentation(application)
        application.add_route("/openapi.json", documentation.respond_json, name="openapi")
        application.add_route("/docs", documentation.respond_page, name="docs")
        try:
            yield application
        finally:
            await health.close()
