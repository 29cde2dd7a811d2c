"""Lets through requests that carry a key; closed unless a path is named as open."""

import base64
import binascii
import re

from starlette.types import ASGIApp, Receive, Scope, Send

from customvision.common.authentication import TRAINING_KEY_HEADER, KeyRing, Role
from customvision.common.errors import ServiceError
from customvision.common.server import ANY_KEY, TRAINING_KEY_ONLY
from customvision.gateway import links
from customvision.gateway.api_errors import api_error, respond
from customvision.gateway.page import paths

OPEN_PATHS = frozenset({"/healthz"})
# For these a browser asks its user for a password, which is a key: it cannot send a header of its own accord.
DOCUMENTATION_PATHS = frozenset({"/openapi.json", "/docs"})
PASSWORD_WANTED = 'Basic realm="A key of this suite as the password, any name", charset="UTF-8"'  # noqa: S105 - asks for one
# What a signed link opens checks the signature instead.
SIGNED_PREFIX = links.PREFIX
PREDICTION_PATHS = re.compile(r"/customvision/[^/]+/prediction/")
# Other names that clients of the API send a key under.
ALIASES = {"ocp-apim-subscription-key": TRAINING_KEY_HEADER}
BEARER, BASIC = "bearer ", "basic "


class RequireKey:
    """ASGI middleware: 401 without a valid key, 403 where the key does not open the route."""

    def __init__(self, application: ASGIApp, key_ring: KeyRing) -> None:
        self._application = application
        self._key_ring = key_ring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers in place of the application where the key does not do."""
        if scope["type"] != "lifespan" and not is_open(scope["path"]):
            try:
                self._key_ring.authenticate(_presented(scope), roles_of(scope["path"]))
            except ServiceError as error:
                response = respond(api_error(error))
                if scope["path"] in DOCUMENTATION_PATHS and response.status_code == 401:
                    response.headers["WWW-Authenticate"] = PASSWORD_WANTED
                await response(scope, receive, send)
                return
        await self._application(scope, receive, send)


def is_open(path: str) -> bool:
    """Returns whether ``path`` needs no key; the page's paths need a session instead."""
    return path in OPEN_PATHS or path.startswith(SIGNED_PREFIX) or paths.is_page(path)


def roles_of(path: str) -> frozenset[Role]:
    """Returns whose keys open ``path``."""
    return ANY_KEY if path in DOCUMENTATION_PATHS or PREDICTION_PATHS.match(path) else TRAINING_KEY_ONLY


def _presented(scope: Scope) -> list[tuple[str, str | bytes]]:
    headers: list[tuple[str, str | bytes]] = []
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        # Scrapers such as Prometheus can send a bearer token everywhere, other headers only in recent versions.
        if name == "authorization" and value.lower().startswith(BEARER):
            name, value = TRAINING_KEY_HEADER, value[len(BEARER) :].strip()
        # Browsers send a password again and again, also for what another page makes them ask: it opens no more.
        if name == "authorization" and value.lower().startswith(BASIC) and scope["path"] in DOCUMENTATION_PATHS:
            name, value = TRAINING_KEY_HEADER, _password(value[len(BASIC) :])
        headers.append((ALIASES.get(name, name), value))
    return headers


def _password(credentials: str) -> str:
    """Returns the password of HTTP's Basic scheme, or nothing where it cannot be read."""
    try:
        return base64.b64decode(credentials.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
