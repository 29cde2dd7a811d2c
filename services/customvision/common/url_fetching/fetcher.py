"""Fetches a file by URL: bounded in bytes, time, redirects and number at once."""

import asyncio
import ssl
from http import HTTPStatus

import httpcore

from customvision.common.url_fetching.addresses import AllowedHosts
from customvision.common.url_fetching.connections import CheckedConnections, Resolve, SystemResolver
from customvision.common.url_fetching.errors import (
    UrlAnswerUnusable,
    UrlContentTooLarge,
    UrlRedirectedTooOften,
    UrlTooSlow,
    UrlUnreachable,
)
from customvision.common.url_fetching.slots import FairSlots
from customvision.common.url_fetching.web_url import WebUrl

# They mostly wait, and hold 6 MiB each at most: four projects whose hosts are slow leave none waiting but themselves.
CONCURRENT_FETCHES = 32
FETCHES_OF_A_PROJECT = 8
MAX_REDIRECTS = 5
CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = (
    ("User-Agent", "customvision"),
    ("Accept", "image/*, */*;q=0.5"),
    # Bytes are counted as they come; packed ones could become many more.
    ("Accept-Encoding", "identity"),
    ("Connection", "close"),
)


class UrlFetcher:
    """Fetches files, 32 at once and 8 of one project; others wait for their turn.

    Belongs to one event loop; close it at the end.

    Uses no proxy, sends no cookies and no credentials. Hosts are connected to only where all of their addresses are
    of the internet, or are allowed.
    """

    def __init__(
        self,
        allowed: AllowedHosts,
        *,
        resolve: Resolve | None = None,
        trust: ssl.SSLContext | None = None,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        """``resolve`` and ``trust`` stand for the system's name servers and certificates where they are given."""
        self._resolver = SystemResolver(CONCURRENT_FETCHES)
        self._connections = CheckedConnections(allowed, resolve or self._resolver.resolve)
        self._trust = trust
        self._total_seconds = total_seconds
        self._slots = FairSlots(CONCURRENT_FETCHES, FETCHES_OF_A_PROJECT)

    def close(self) -> None:
        """Ends what asks for addresses."""
        self._resolver.close()

    async def fetch(self, url: str, max_bytes: int, project_id: str) -> bytes:
        """Returns the file that the URL leads to, within 15 seconds once the project's turn has come.

        Raises URL_ERRORS.
        """
        target = WebUrl.parse(url)
        async with self._slots.slot(project_id):
            try:
                async with asyncio.timeout(self._total_seconds):
                    return await self._follow(target, max_bytes)
            except TimeoutError as error:
                raise UrlTooSlow(target.host, self._total_seconds) from error

    async def _follow(self, url: WebUrl, max_bytes: int) -> bytes:
        for _ in range(1 + MAX_REDIRECTS):
            found = await self._get(url, max_bytes)
            if isinstance(found, bytes):
                return found
            last, url = url, found
        raise UrlRedirectedTooOften(last.host, MAX_REDIRECTS)

    async def _get(self, url: WebUrl, max_bytes: int) -> bytes | WebUrl:
        """Returns the file, or where it is said to be."""
        address = httpcore.URL(scheme=url.scheme, host=url.host, port=url.port, target=url.target)
        headers = [("Host", url.authority), *_HEADERS]
        trust = await self._certificates() if url.scheme == "https" else None
        connection = httpcore.AsyncHTTPConnection(address.origin, ssl_context=trust, network_backend=self._connections)
        extensions = {"timeout": {"connect": CONNECT_SECONDS}}
        try:
            async with (
                connection,
                connection.stream("GET", address, headers=headers, extensions=extensions) as response,
            ):
                if response.status in _REDIRECTS:
                    return url.leading_to(_location(response, url))
                _check(response, url, max_bytes)
                return await _read(response, max_bytes)
        except httpcore.TimeoutException as error:
            raise UrlTooSlow(url.host, CONNECT_SECONDS) from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise UrlUnreachable(url.host, _problem(error)) from error

    async def _certificates(self) -> ssl.SSLContext:
        # Read when they are first wanted: it takes as long as a service otherwise needs to open.
        if self._trust is None:
            self._trust = await asyncio.to_thread(httpcore.default_ssl_context)
        return self._trust


def _check(response: httpcore.Response, url: WebUrl, max_bytes: int) -> None:
    """Raises UrlAnswerUnusable or UrlContentTooLarge by what the header says."""
    if response.status != HTTPStatus.OK:
        raise UrlAnswerUnusable(url.host, f"it answers with HTTP status {response.status}", status=response.status)
    if _header(response, b"content-encoding").lower() not in ("", "identity"):
        raise UrlAnswerUnusable(url.host, "it sends it packed, which was not asked for", status=response.status)
    length = _header(response, b"content-length")
    if length.isdecimal() and int(length) > max_bytes:
        raise UrlContentTooLarge(max_bytes)


async def _read(response: httpcore.Response, max_bytes: int) -> bytes:
    data = bytearray()
    async for chunk in response.aiter_stream():
        data += chunk
        if len(data) > max_bytes:
            raise UrlContentTooLarge(max_bytes)
    return bytes(data)


def _location(response: httpcore.Response, url: WebUrl) -> str:
    location = _header(response, b"location")
    if not location:
        raise UrlAnswerUnusable(
            url.host, f"it answers with HTTP status {response.status} and no other address", status=response.status
        )
    return location


def _header(response: httpcore.Response, name: bytes) -> str:
    values = (value for key, value in response.headers if key.lower() == name)
    return next(values, b"").decode("utf-8", "replace").strip()


def _problem(error: Exception) -> str:
    cause = error.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate cannot be trusted ({cause.verify_message})"
    if isinstance(cause, ssl.SSLError):
        return "no secure connection could be made"
    if isinstance(error, httpcore.ConnectError):
        return "it does not take the connection"
    return "the connection broke off, or what came is not HTTP"
