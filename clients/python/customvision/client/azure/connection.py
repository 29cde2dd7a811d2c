"""The way to an Azure Custom Vision resource: its key, retries, and limits on what is read."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from customvision.client.azure import errors

API = "/customvision/v3.3/training"
KEY_HEADER = "Training-Key"
RETRIED = frozenset({408, 429, 500, 502, 503, 504})
ATTEMPTS = 7
# Until it has answered once, an endpoint is rather wrong than busy.
FIRST_ATTEMPTS = 3
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 60.0
ANSWER_SECONDS = 120.0
TIMEOUT = httpx.Timeout(30.0, connect=10.0)
MAX_JSON_BYTES = 32 * 1024 * 1024


OnSilence = Callable[[str, str, float], None]


@dataclass(frozen=True)
class Answer:
    """An HTTP answer that was read whole."""

    status: int
    body: bytes


class AzureConnection:
    """Reads from one resource, on the running event loop. Close it, or use ``async with``.

    Busy and broken answers are asked for again, after the pause that the resource asks for (``Retry-After``).
    """

    def __init__(self, endpoint: str, key: str, *, on_silence: OnSilence = lambda _host, _why, _seconds: None) -> None:
        """``endpoint`` may be copied with the API's path behind it. Raises CustomVisionError where it cannot be one.

        ``on_silence`` is told whenever an endpoint that never answered is asked again: its host, why it did not
        answer, and the seconds until then.
        """
        address = urlsplit(endpoint.strip())
        if address.scheme not in ("http", "https") or not address.hostname or address.username is not None:
            raise errors.endpoint_invalid(endpoint)
        if not key or not key.isascii() or not key.isprintable():
            raise errors.key_invalid()
        self.host = address.netloc
        before_api = address.path.lower().partition("/customvision")[0].rstrip("/")
        self._api = f"{address.scheme}://{address.netloc}{address.path[: len(before_api)]}{API}"
        self._key = {KEY_HEADER: key}
        self._on_silence = on_silence
        self._has_answered = False
        # Redirects are not followed: the key must not go elsewhere, and links lead straight to images.
        self._http = httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the connection."""
        await self._http.aclose()

    async def get(self, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        """Returns the JSON at a path of the API, or None where there is no such thing. Raises CustomVisionError."""
        answer = await self._answer(self._api + path, dict(parameters or {}), self._key, MAX_JSON_BYTES)
        content = _parsed(answer.body)
        if answer.status == httpx.codes.OK and content is not None:
            return content
        if answer.status == httpx.codes.NOT_FOUND and isinstance(content, dict):
            return None
        explanation = _explanation(content)
        if answer.status == httpx.codes.OK or not explanation:
            raise errors.not_the_api(self.host, f"status {answer.status}")
        raise errors.refused(self.host, answer.status, explanation)

    async def download(self, link: str, limit: int) -> bytes | None:
        """Returns the bytes behind a link, or None where it leads to nothing (any more).

        A link without a host is a path for the API's artifacts, as resources in a virtual network give. Raises
        CustomVisionError where the link may not be followed, or leads to more than ``limit`` bytes.
        """
        if not self._may_be_followed(link):
            raise errors.link_refused(link)
        # The link is its own permission: the key goes to the endpoint alone.
        answer = await self._answer(link, {}, {}, limit)
        return answer.body if answer.status == httpx.codes.OK else None

    async def download_artifact(self, project_id: str, path: str, limit: int) -> bytes | None:
        """Returns the bytes of a project's artifact, or None where there is none. Raises CustomVisionError."""
        address = f"{self._api}/projects/{project_id}/artifacts"
        answer = await self._answer(address, {"path": path}, self._key, limit)
        return answer.body if answer.status == httpx.codes.OK else None

    def _may_be_followed(self, link: str) -> bool:
        try:
            address = urlsplit(link)
        except ValueError:
            return False
        return address.scheme == "https" or (address.scheme == "http" and address.netloc == self.host)

    async def _answer(self, address: str, parameters: dict[str, str], headers: dict[str, str], limit: int) -> Answer:
        attempt = 0
        while True:
            attempt += 1
            pause = FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1)
            try:
                answer, retry_after = await self._attempt(address, parameters, headers, limit)
            except (httpx.TransportError, httpx.InvalidURL) as error:
                host, why = urlsplit(address).netloc, str(error) or type(error).__name__
                if attempt == (ATTEMPTS if self._has_answered else FIRST_ATTEMPTS):
                    raise errors.unreachable(host, why) from error
                if not self._has_answered:
                    self._on_silence(host, why, pause)
            else:
                self._has_answered = True
                if headers and answer.status == httpx.codes.UNAUTHORIZED:
                    raise errors.key_refused(self.host)
                if answer.status not in RETRIED:
                    return answer
                if attempt == ATTEMPTS or retry_after > LONGEST_PAUSE_SECONDS:
                    raise errors.busy(urlsplit(address).netloc, answer.status)
                pause = max(pause, retry_after)
            await asyncio.sleep(pause)

    async def _attempt(
        self, address: str, parameters: dict[str, str], headers: dict[str, str], limit: int
    ) -> tuple[Answer, float]:
        deadline = time.monotonic() + ANSWER_SECONDS
        body = bytearray()
        async with self._http.stream("GET", address, params=parameters or None, headers=headers) as response:
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > limit:
                    raise errors.too_large(limit)
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout(f"more than {ANSWER_SECONDS:.0f} seconds for one answer")
            return Answer(response.status_code, bytes(body)), _seconds(response.headers.get("Retry-After", ""))


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _explanation(content: Any) -> str:
    """Returns the message of an error, flat as the API gives it or nested as what stands before it does."""
    inner = content.get("error", content) if isinstance(content, dict) else None
    message = inner.get("message") if isinstance(inner, dict) else None
    return message if isinstance(message, str) else ""


def _seconds(retry_after: str) -> float:
    """Returns the pause that a Retry-After header asks for: seconds, or until a date."""
    if retry_after.isascii() and retry_after.isdecimal():
        return float(retry_after[:9])
    try:
        return parsedate_to_datetime(retry_after).timestamp() - time.time()
    except (ValueError, OverflowError):
        return 0.0
