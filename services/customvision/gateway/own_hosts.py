"""Lets through requests that are meant for this gateway, and none that the pages of other sites send."""

import ipaddress
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from customvision.common.settings import HTTP_ALLOWED_HOSTS, Settings
from customvision.gateway.api_errors import ApiError, respond

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
EVERY_HOST = "*"
DEFAULT_PORTS = {"http": 80, "https": 443}


class OwnHosts:
    """ASGI middleware: 421 for a Host that is not the gateway's, 403 for an Origin that is another.

    A name that someone points at this machine is not the gateway's: so no page can read it by way of such a name.
    """

    def __init__(self, application: ASGIApp, settings: Settings) -> None:
        bound = _name(settings.http_address)
        self._names = LOOPBACK_NAMES | {bound} | {_name(host) for host in settings.http_allowed_hosts}
        self._every_host = EVERY_HOST in self._names
        # Who listens on all addresses of a machine is called by any of them; no one can point an address elsewhere.
        self._any_address = _is_wildcard(bound)
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers in place of the application where a header names another site."""
        if scope["type"] != "lifespan":
            try:
                self._check(scope)
            except ApiError as error:
                await respond(error)(scope, receive, send)
                return
        await self._application(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        host = next(iter(_values(scope, b"host")), "")
        if not self._is_own(host):
            message = f"This server does not answer as '{host[:100]}'; set {HTTP_ALLOWED_HOSTS} to allow that name."
            raise ApiError("BadRequest", message, status=421)
        if not all(_same_origin(origin, host) for origin in _values(scope, b"origin")):
            message = "Pages of other sites may not call this server; call it from a program, or from its own pages."
            raise ApiError("Forbidden", message)

    def _is_own(self, host: str) -> bool:
        name = _name(host)
        return self._every_host or name in self._names or (self._any_address and _is_address(name))


def _values(scope: Scope, header: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == header]


def _name(host: str) -> str:
    """Returns the name in ``host``, which may have a port, in lower case; empty where it cannot be read."""
    try:
        parts = urlsplit(f"//{host}")
        # Fails where what stands for the port is none.
        _ = parts.port
        return (parts.hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_wildcard(name: str) -> bool:
    return _is_address(name) and ipaddress.ip_address(name).is_unspecified


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _same_origin(origin: str, host: str) -> bool:
    """Returns whether a page of ``origin`` comes from ``host``; behind a proxy that adds TLS the scheme may differ."""
    try:
        page, own = urlsplit(origin), urlsplit(f"//{host}")
        default = DEFAULT_PORTS.get(page.scheme)
        return (page.hostname, page.port or default) == (own.hostname, own.port or default)
    except ValueError:
        return False
