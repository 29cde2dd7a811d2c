"""Which methods a path takes, and HEAD, which every path takes that takes GET."""

from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def methods_of(scope: Scope) -> list[str]:
    """Returns the methods that the routes take for the path of a request."""
    asked = {"type": "http", "path": scope["path"], "root_path": scope.get("root_path", ""), "path_params": {}}
    routes = scope["app"].routes
    return [
        method
        for method in METHODS
        if any(route.matches({**asked, "method": method})[0] is Match.FULL for route in routes)
    ]


class AnswerHead:
    """ASGI middleware: HEAD is answered as GET is, without the body; what would make the body is ended."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on; a route that takes HEAD answers it itself."""
        if scope["type"] != "http" or scope["method"] != "HEAD" or "HEAD" in methods_of(scope):
            await self._application(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                # From here on the server tells the application that nobody listens any more.
                await send({"type": "http.response.body"})

        # In place: whoever counts requests by route finds it in this very scope.
        scope["method"] = "GET"
        try:
            await self._application(scope, receive, send_head)
        finally:
            scope["method"] = "HEAD"
