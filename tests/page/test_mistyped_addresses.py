"""Addresses that are neither the page's nor the API's: a browser is shown the page, a program is told in JSON."""

import httpx

from customvision.common.keys import Keys
from running_gateway import ServedGateway, refused

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def test_a_browser_is_shown_the_page(served: ServedGateway) -> None:
    """Who opens an address of nothing gets the page as 404, signed in or not, and under the page's policy."""
    for method in ("GET", "HEAD"):
        answer = await served.bare.request(method, "/project/garden", headers=BROWSER)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert ("main.js" in answer.text) == (method == "GET")


async def test_programs_are_told_in_json(served: ServedGateway, keys: Keys) -> None:
    """What asks for no page, asks the API or sends something is told in JSON; what there is, browsers get too."""
    key = {"training-key": keys.training_key}
    told: list[tuple[httpx.Response, int]] = [
        (await served.bare.get("/project"), 401),
        (await served.bare.get("/project", headers=key), 404),
        (await served.bare.post("/project", headers=key | BROWSER), 404),
        (await served.bare.get("/customvision/v3.3/training/project", headers=key | BROWSER), 404),
        (await served.bare.get("/docs", headers=BROWSER), 401),
    ]
    for answer, status in told:
        refused(answer, status, "NotFound" if status == 404 else "Unauthorized")
    assert (await served.bare.get("/healthz", headers=BROWSER)).headers["content-type"] == "application/json"
