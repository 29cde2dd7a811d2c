"""Signed links: they open one thing without a key, until they expire."""

import hashlib
import hmac
import time
from urllib.parse import quote

from starlette.requests import Request

from customvision.common.keys import Keys
from customvision.gateway.api_errors import ApiError

LINK_SECONDS = 24 * 3600
# Links to the same thing stay the same so long, for browsers to keep what is behind them.
STEADY_SECONDS = 3600
PREFIX = "/blobs/"
EXPIRES, SIGNATURE = "expires", "signature"


class Links:
    """Makes and checks links. The secret follows from the training key: a new key ends all links."""

    def __init__(self, keys: Keys) -> None:
        self._secret = hmac.new(keys.training_key.encode(), b"customvision links", hashlib.sha256).digest()

    def url(self, request: Request, path: str) -> str:
        """Returns the absolute link to ``path``, which begins with PREFIX, on the host that ``request`` came to."""
        expires = (int(time.time()) // STEADY_SECONDS + 1) * STEADY_SECONDS + LINK_SECONDS
        host = f"{request.url.scheme}://{request.url.netloc}"
        return f"{host}{quote(path)}?{EXPIRES}={expires}&{SIGNATURE}={self._signature(path, expires)}"

    def check(self, request: Request) -> None:
        """Raises ApiError where the request's own path is not signed, or no longer."""
        expires, signature = request.query_params.get(EXPIRES, ""), request.query_params.get(SIGNATURE, "")
        if not (expires.isascii() and expires.isdecimal() and len(expires) < 12):
            raise _not_valid()
        right = self._signature(request.scope["path"], int(expires))
        genuine = hmac.compare_digest(right.encode(), signature.encode())
        if not genuine or int(expires) < time.time():
            raise _not_valid()

    def _signature(self, path: str, expires: int) -> str:
        return hmac.new(self._secret, f"{expires} {path}".encode(), hashlib.sha256).hexdigest()


def _not_valid() -> ApiError:
    message = "This link has expired or is damaged; ask for what it belongs to again to get a new one."
    return ApiError("Forbidden", message)
