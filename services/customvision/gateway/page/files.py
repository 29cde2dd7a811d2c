"""The page's own files: one document for every screen, its scripts and its style, and what they may do."""

from importlib.resources import files
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from customvision.gateway.api_errors import ApiError

FOLDER = Path(str(files("customvision.gateway.page") / "static"))
DOCUMENT = "index.html"
KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
# Nothing from elsewhere, nothing inline, nothing evaluated.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types"
)


async def screen(_request: Request) -> Response:
    """Answers the document that is behind every screen."""
    return document()


def document(status: int = 200) -> Response:
    """Returns the document; its script finds out which screen it is."""
    headers = {"Content-Security-Policy": POLICY}
    return FileResponse(FOLDER / DOCUMENT, status_code=status, media_type="text/html", headers=headers)


async def file(request: Request) -> Response:
    """Answers a script, a style or a drawing. Raises ApiError where there is none of that name."""
    path = (FOLDER / request.path_params["path"]).resolve()
    if not path.is_relative_to(FOLDER) or path.suffix not in KINDS or not path.is_file():
        raise ApiError("NotFound", "The page has no such file.")
    # Asked for again each time, and answered 304 while it is the same: an update is seen at once.
    headers = {"Cache-Control": "no-cache"}
    return FileResponse(path, media_type=KINDS[path.suffix], headers=headers)
