"""Who is signed in: a session in a signed cookie, begun with the training key or with a link."""

from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlencode

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from customvision.common.authentication import TRAINING_KEY_HEADER, KeyRing
from customvision.common.errors import ServiceError
from customvision.common.keys import Keys
from customvision.common.server import TRAINING_KEY_ONLY
from customvision.common.sign_in import SESSION_SECONDS, sessions, sign_in_links
from customvision.gateway.api_errors import ApiError, api_error, respond
from customvision.gateway.bodies import read_json
from customvision.gateway.page import paths

COOKIE = "customvision_session"
MAX_BODY_BYTES = 64 * 1024


class SignIn(BaseModel):
    """A key, or what a link carries."""

    key: str = ""
    token: str = ""


class Sessions:
    """Begins and ends sessions. Their secret follows from the training key: a new key ends all of them."""

    def __init__(self, keys: Keys) -> None:
        self._key_ring, self._sessions, self._links = KeyRing(keys), sessions(keys), sign_in_links(keys)

    def is_signed_in(self, scope: Scope) -> bool:
        """Returns whether the request comes from a browser that is signed in."""
        return any(self._sessions.check(value) for value in _cookies(scope))

    async def begin(self, request: Request) -> Response:
        """Answers 204 with a session for the training key or for a link's token. Raises ApiError for any other."""
        given = await read_json(request, SignIn, limit=MAX_BODY_BYTES)
        if given.token:
            if not self._links.check(given.token):
                message = (
                    "This link has expired. `customvision up` prints a new one when it starts; a key does as well."
                )
                raise ApiError("Unauthorized", message)
        else:
            self._check_key(given.key.strip())
        response = Response(status_code=204)
        _set_cookie(request, response, self._sessions.make(SESSION_SECONDS), SESSION_SECONDS)
        return response

    async def end(self, request: Request) -> Response:
        """Answers 204 and has the browser forget its session."""
        response = Response(status_code=204)
        _set_cookie(request, response, "", 0)
        return response

    def _check_key(self, key: str) -> None:
        if not key:
            raise ApiError("Unauthorized", "Type the training key; `customvision keys` shows it.")
        try:
            self._key_ring.authenticate([(TRAINING_KEY_HEADER, key)], TRAINING_KEY_ONLY)
        except ServiceError as error:
            if error.reason == "KEY_NOT_SUFFICIENT":
                message = "That is the prediction key; the page needs the training key."
                raise ApiError("Unauthorized", message) from error
            raise api_error(error) from error


class RequireSession:
    """ASGI middleware: the page's paths are for who is signed in; a screen leads to the sign-in, a call is refused."""

    def __init__(self, application: ASGIApp, sessions: Sessions) -> None:
        self._application = application
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers in place of the application where nobody is signed in."""
        path = scope.get("path", "")
        if scope["type"] == "lifespan" or not paths.needs_session(path) or self._sessions.is_signed_in(scope):
            await self._application(scope, receive, send)
        elif paths.is_screen(path):
            # What stands behind '#' stays in the address bar of the browser.
            query = scope["query_string"].decode("latin-1")
            asked = f"{path}?{query}" if query else path
            await RedirectResponse(f"{paths.SIGN_IN_PATH}?{urlencode({'next': asked})}", 303)(scope, receive, send)
        else:
            error = ApiError("Unauthorized", "You are not signed in any more; sign in again.")
            await respond(error)(scope, receive, send)


def _cookies(scope: Scope) -> list[str]:
    values = []
    for name, value in scope["headers"]:
        if name == b"cookie":
            try:
                jar = SimpleCookie(value.decode("latin-1"))
            except CookieError:
                continue
            if COOKIE in jar:
                values.append(jar[COOKIE].value)
    return values


def _set_cookie(request: Request, response: Response, value: str, seconds: int) -> None:
    response.set_cookie(
        COOKIE,
        value,
        max_age=seconds,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
