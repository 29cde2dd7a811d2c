"""Addresses that a person mistyped: the page says so, where a program is told in JSON."""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from customvision.gateway.canonical_paths import API_PREFIX
from customvision.gateway.methods import methods_of
from customvision.gateway.page import files, paths


class TellOfMistyped:
    """ASGI middleware: 404 with the page for a browser that opens what is neither the page's nor the API's."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers in place of the application where a browser asks for nothing that there is."""
        if scope["type"] == "http" and _is_mistyped(Request(scope)):
            await files.document(404)(scope, receive, send)
        else:
            await self._application(scope, receive, send)


def _is_mistyped(request: Request) -> bool:
    path = request.scope["path"]
    is_opened = request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", "")
    return is_opened and not paths.is_page(path) and not path.startswith(API_PREFIX) and not methods_of(request.scope)
