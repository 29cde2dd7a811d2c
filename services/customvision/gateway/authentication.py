"""Lets through requests that carry a key; closed unless a path is named as open."""

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from customvision.common.authentication import TRAINING_KEY_HEADER, KeyNotSufficient, KeyRing
from customvision.common.errors import ServiceError
from customvision.common.server import TRAINING_KEY_ONLY

OPEN_PATHS = frozenset({"/healthz"})
BEARER = "bearer "


class RequireKey:
    """ASGI middleware: 401 without a valid key, 403 where the key does not open the route."""

    def __init__(self, application: ASGIApp, key_ring: KeyRing) -> None:
        self._application = application
        self._key_ring = key_ring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers in place of the application where the key does not do."""
        if scope["type"] != "lifespan" and scope["path"] not in OPEN_PATHS:
            try:
                self._key_ring.authenticate(_presented(scope), TRAINING_KEY_ONLY)
            except ServiceError as error:
                status = 403 if isinstance(error, KeyNotSufficient) else 401
                response = JSONResponse({"code": error.reason, "message": error.message}, status_code=status)
                await response(scope, receive, send)
                return
        await self._application(scope, receive, send)


def _presented(scope: Scope) -> list[tuple[str, str | bytes]]:
    headers: list[tuple[str, str | bytes]] = []
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        # Scrapers such as Prometheus can send a bearer token everywhere, other headers only in recent versions.
        if name == "authorization" and value.lower().startswith(BEARER):
            name, value = TRAINING_KEY_HEADER, value[len(BEARER) :].strip()
        headers.append((name, value))
    return headers
