"""Who may see the page: sessions, how they begin, and what they do not open."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from starlette.routing import Route

from customvision.common import sign_in
from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.common.sign_in import SignedTimes, sign_in_links
from customvision.gateway.application import open_application
from customvision.gateway.page.paths import CALLS_PREFIX, OPEN_PATHS, SCREEN_PATHS, is_page
from customvision.gateway.page.sessions import COOKIE
from running_gateway import MISSING, ServedGateway, gateway, refused

SESSION = "/page/session"
LIST_PROJECTS = "/page/calls/project/ListProjects"


@pytest.fixture
async def client(served: ServedGateway) -> AsyncIterator[httpx.AsyncClient]:
    """A browser's place: no key, but cookies."""
    yield served.bare


async def every_path(settings: Settings, keys: Keys) -> list[tuple[str, str]]:
    """Returns method and path of every route of the page, names filled in."""
    async with open_application(settings, keys) as application:
        routes = [route for route in application.routes if isinstance(route, Route) and is_page(route.path)]
    return [
        (method, re.sub(r"{\w+(:\w+)?}", MISSING, route.path))
        for route in routes
        for method in sorted(route.methods or ())
    ]


async def test_nothing_but_the_sign_in_is_open(client: httpx.AsyncClient, settings: Settings, keys: Keys) -> None:
    """Without a session every screen leads to the sign-in and every call is refused; a key in a header opens none."""
    paths = await every_path(settings, keys)
    assert len(paths) > 2 * len(SCREEN_PATHS)
    for method, path in paths:
        if path in OPEN_PATHS or path.startswith("/page/files/"):
            continue
        answer = await client.request(method, path, headers={"training-key": keys.training_key})
        if path.startswith(CALLS_PREFIX):
            assert answer.status_code == 401, path
        else:
            assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/sign-in"), path


async def test_the_training_key_signs_in(client: httpx.AsyncClient, keys: Keys) -> None:
    """It begins a session in a cookie that scripts and other sites have no part in; signing out ends it."""
    answer = await client.post(SESSION, json={"key": f" {keys.training_key}\n"})
    assert answer.status_code == 204
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=strict", "path=/", "max-age="))
    assert keys.training_key not in cookie
    assert (await client.post(LIST_PROJECTS)).status_code == 200
    assert (await client.get("/")).status_code == 200
    assert (await client.delete(SESSION)).status_code == 204
    assert (await client.post(LIST_PROJECTS)).status_code == 401


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"key": "wrong"}, "customvision keys"),
        ({"key": ""}, "Type the training key"),
        ({}, "Type the training key"),
        ({"key": "p" * 64}, "That is the prediction key"),
        ({"token": "1.1"}, "This link has expired"),
        ({"token": "99999999999.é"}, "This link has expired"),
    ],
)
async def test_nothing_else_does(client: httpx.AsyncClient, given: dict[str, str], told: str) -> None:
    """Another key, none, or a link that is no link is refused with a sentence, and begins no session."""
    answer = await client.post(SESSION, json=given)
    assert told in refused(answer, 401, "Unauthorized")
    assert COOKIE not in client.cookies


async def test_a_link_signs_in_until_it_expires(client: httpx.AsyncClient, keys: Keys) -> None:
    """What `customvision up` prints signs in for a while; what signs sessions does not do as a link."""
    links = sign_in_links(keys)
    assert (await client.post(SESSION, json={"token": links.make(60)})).status_code == 204
    for token in (
        links.make(-1),
        sign_in.sessions(keys).make(60),
        SignedTimes(replace(keys, training_key="other"), "sign-in").make(60),
    ):
        refused(await client.post(SESSION, json={"token": token}), 401, "Unauthorized")


async def test_a_new_key_ends_all_sessions(settings: Settings, keys: Keys) -> None:
    """A session that was signed with another training key, or altered, or that is over, opens nothing."""
    genuine = sign_in.sessions(keys)
    async with gateway(settings, keys) as client:
        others = sign_in.sessions(replace(keys, training_key="u" * 64)).make(60)
        for value in (others, genuine.make(-1), genuine.make(60)[:-1], "", "x.y", sign_in_links(keys).make(60)):
            answer = await client.get("/", headers={"cookie": f"{COOKIE}={value}"})
            assert answer.status_code == 303
        assert (await client.get("/", headers={"cookie": f"{COOKIE}={genuine.make(60)}"})).status_code == 200


async def test_pages_of_other_sites_can_use_no_session(client: httpx.AsyncClient, keys: Keys) -> None:
    """A request that another site's page makes is refused although the browser might send the session along."""
    await client.post(SESSION, json={"key": keys.training_key})
    answer = await client.post(LIST_PROJECTS, headers={"origin": "http://elsewhere.example"})
    refused(answer, 403, "Forbidden")


async def test_a_screen_may_load_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    """The policy of the document allows its own files alone, no inline script and nothing evaluated."""
    answer = await client.get("/sign-in")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    "path", ["index.html", "%2e%2e/sessions.py", "screens%2f..%2f..%2fsessions.py", "nothing.js", "", "screens"]
)
async def test_files_are_the_pages_own(client: httpx.AsyncClient, path: str) -> None:
    """Scripts, styles and drawings of the page are answered, nothing else of the machine."""
    assert (await client.get("/page/files/main.js")).headers["content-type"].startswith("text/javascript")
    assert (await client.get(f"/page/files/{path}")).status_code == 404
