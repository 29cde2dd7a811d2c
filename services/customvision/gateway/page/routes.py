"""The page's routes."""

import asyncio

from starlette.routing import Route

from customvision.gateway.blobs import Blobs
from customvision.gateway.export_downloads import ExportDownloads
from customvision.gateway.page import files, paths
from customvision.gateway.page.addresses import Addresses
from customvision.gateway.page.calls import Calls
from customvision.gateway.page.quick_tests import QuickTests
from customvision.gateway.page.sessions import Sessions
from customvision.gateway.page.uploads import Uploads
from customvision.gateway.room import Room
from customvision.gateway.services import Services


def page_routes(
    services: Services, sessions: Sessions, addresses: Addresses, room: Room, stopping: asyncio.Event
) -> list[Route]:
    """Returns the routes of screens, files, sessions and calls; endless streams end once ``stopping`` is set."""
    calls = Calls(services, stopping)
    return [
        *(Route(path, files.screen) for path in (*paths.SCREEN_PATHS, paths.SIGN_IN_PATH)),
        Route(paths.FILES_PREFIX + "{path:path}", files.file),
        Route(paths.SESSION_PATH, sessions.begin, methods=["POST"]),
        Route(paths.SESSION_PATH, sessions.end, methods=["DELETE"]),
        Route(paths.CALLS_PREFIX + "calls/{service}/{method}", calls.respond, methods=["POST"]),
        Route(paths.CALLS_PREFIX + "streams/{service}/{method}", calls.stream, methods=["POST"]),
        Route(paths.CALLS_PREFIX + "projects/{project_id}/images", Uploads(services, room).respond, methods=["POST"]),
        Route(
            paths.CALLS_PREFIX + "projects/{project_id}/quick-test",
            QuickTests(services, room).respond,
            methods=["POST"],
        ),
        Route(paths.CALLS_PREFIX + "addresses", addresses.respond),
        *Blobs(services, paths.CALLS_PREFIX).routes(),
        ExportDownloads(services, paths.CALLS_PREFIX).route(),
    ]
