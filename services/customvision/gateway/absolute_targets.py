"""Requests as they are sent to a proxy, `GET http://host/path`, which every server has to take, too."""

import re
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

_ABSOLUTE = re.compile(rb"https?://([^/@]+)(/.*)?", re.IGNORECASE)


class AbsoluteTargets:
    """ASGI middleware: a target that names its host is taken as its path, and its host counts in place of ``Host``."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on."""
        if scope["type"] == "http" and not scope["path"].startswith("/"):
            scope = _with_path_alone(scope)
        await self._application(scope, receive, send)


def _with_path_alone(scope: Scope) -> Scope:
    absolute = _ABSOLUTE.fullmatch(scope.get("raw_path") or b"")
    if absolute is None:
        return scope
    host, raw_path = absolute[1], absolute[2] or b"/"
    headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
    path = unquote(raw_path.decode("latin-1"))
    return {**scope, "path": path, "raw_path": raw_path, "headers": [(b"host", host), *headers]}
