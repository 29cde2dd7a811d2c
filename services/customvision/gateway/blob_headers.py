"""Headers of what signed links open."""

from starlette.requests import Request
from starlette.responses import Response

CACHE_SECONDS = 3600
# What came from users is shown, never run, whatever a browser takes it for. Pages of other hosts may show it: the link
# is the secret.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": f"private, max-age={CACHE_SECONDS}",
}


def is_known(request: Request, tag: str) -> bool:
    """Returns whether the caller holds what has this entity tag already."""
    known = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    return tag in known or "*" in known


def not_modified(tag: str) -> Response:
    """Returns the response to a caller that holds it already."""
    return Response(status_code=304, headers={**HEADERS, "ETag": tag})
