"""One HTTP request, from its arrival to its end: its id, its line in the access log, its span."""

import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from customvision.common.access_log import AccessLog
from customvision.common.call_context import REQUEST_ID_HEADER, begin_call, hand_on
from customvision.common.tracing import Span, Tracer
from customvision.gateway.authentication import OPEN_PATHS

FIRST_FAULT = 500


class FollowRequests:
    """ASGI middleware: calls made for a request carry its id and its place in a trace; the answer tells the id."""

    def __init__(self, application: ASGIApp, access_log: AccessLog, tracer: Tracer | None) -> None:
        self._application = application
        self._access_log = access_log
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        started = time.monotonic()
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
        request_id = begin_call(headers)
        span = self._begin_span(scope, headers)
        status = FIRST_FAULT

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
            await send(message)

        try:
            await self._application(scope, receive, send_with_id)
        finally:
            if scope["path"] not in OPEN_PATHS:
                # Without the query, which may hold a signature.
                line = f"{scope['method']} {scope['path']}"
                self._access_log.tell(line, str(status), time.monotonic() - started, request_id)
            if span is not None:
                span.end({"http.response.status_code": status}, failed=status >= FIRST_FAULT)

    def _begin_span(self, scope: Scope, headers: tuple[tuple[str, str], ...]) -> Span | None:
        if self._tracer is None:
            return None
        attributes = {"http.request.method": scope["method"], "url.path": scope["path"]}
        span = self._tracer.begin(f"HTTP {scope['method']}", attributes, headers)
        hand_on(span.headers)
        return span
