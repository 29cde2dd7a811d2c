"""Which hosts the gateway answers for, which pages may call it, and the headers of its answers."""

from dataclasses import replace
from itertools import product

import httpx
import pytest

from customvision.common.errors import ConfigurationError
from customvision.common.keys import Keys
from customvision.common.settings import Settings
from running_gateway import TRAINING_API, gateway, refused, training_api
from training_suite import TrainingSuite

EVIL = "evil.example"


async def status_for(client: httpx.AsyncClient, host: str, keys: Keys) -> int:
    """Returns the status of a request that names ``host``."""
    return (await client.get("/openapi.json", headers={"Host": host}, auth=("", keys.training_key))).status_code


async def test_other_names_are_refused_before_the_key_counts(client: httpx.AsyncClient, keys: Keys) -> None:
    """A name that someone points at this machine is refused on every path, with and without a key."""
    for path in ("/healthz", "/docs", "/metrics", "/blobs/x", f"{TRAINING_API}/projects"):
        for headers in ({}, {"Training-Key": keys.training_key}):
            answer = await client.get(path, headers={"Host": f"{EVIL}:8080", **headers})
            assert EVIL in refused(answer, 421, "BadRequest")


async def test_loopback_names_are_answered(client: httpx.AsyncClient, keys: Keys) -> None:
    """Whoever calls this machine by its own names is answered, whatever the port and spelling."""
    for host in ("localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080", "localhost."):
        assert await status_for(client, host, keys) == 200, host


async def test_names_that_look_alike_are_refused(client: httpx.AsyncClient, keys: Keys) -> None:
    """A name counts whole; one that cannot be read is none."""
    for host in (
        "",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "[",
        "192.168.1.5",
        "a b",
        "127.0.0.1:80.evil",
    ):
        assert await status_for(client, host, keys) in (400, 421), host


async def test_names_can_be_allowed(settings: Settings, keys: Keys) -> None:
    """Names in the setting are answered for, others still are not; a star allows all."""
    allowing = replace(settings, http_allowed_hosts=("Vision.example", "gateway"))
    async with gateway(allowing, keys) as client:
        assert await status_for(client, "vision.example:443", keys) == 200
        assert await status_for(client, "gateway", keys) == 200
        assert await status_for(client, EVIL, keys) == 421
    async with gateway(replace(settings, http_allowed_hosts=("*",)), keys) as client:
        assert await status_for(client, EVIL, keys) == 200


async def test_a_gateway_on_all_addresses_is_called_by_any_address(settings: Settings, keys: Keys) -> None:
    """Nobody can point an address elsewhere, so that any will do there; names still will not."""
    async with gateway(replace(settings, http_address="0.0.0.0:0"), keys) as client:
        assert await status_for(client, "192.168.1.5:8080", keys) == 200
        assert await status_for(client, EVIL, keys) == 421


async def test_pages_of_other_sites_are_refused(client: httpx.AsyncClient, keys: Keys) -> None:
    """An Origin that is not the gateway's own is refused for every method, even with the key, and nothing allows it."""
    origins = ("https://evil.example", "null", "http://localhost:3000", "http://[", "http://")
    for origin, method in product(origins, ("GET", "POST", "PATCH", "DELETE", "OPTIONS", "HEAD")):
        headers = {"Origin": origin, "Training-Key": keys.training_key}
        answer = await client.request(method, f"{TRAINING_API}/projects", headers=headers)
        assert answer.status_code == 403, (origin, method)
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_own_pages_may_call(project_suite: TrainingSuite, keys: Keys) -> None:
    """A page of the gateway itself, also behind a proxy that adds TLS, is answered."""
    settings = replace(project_suite.settings, http_allowed_hosts=("vision.example",))
    async with training_api(settings, keys) as api:
        own = f"http://127.0.0.1:{api.base_url.port}"
        assert (await api.get("/domains", headers={"Origin": own})).status_code == 200
        behind = {"Origin": "https://vision.example", "Host": "vision.example"}
        assert (await api.get("/domains", headers=behind)).status_code == 200


async def test_every_answer_carries_security_headers(client: httpx.AsyncClient, keys: Keys) -> None:
    """Answers of every kind, refusals too, keep browsers from guessing types, framing, running and keeping them."""
    key = {"Training-Key": keys.training_key}
    answers = [
        await client.get("/healthz"),
        await client.get("/docs", auth=("", keys.training_key)),
        await client.get("/nowhere", headers=key),
        await client.get("/metrics"),
        await client.get("/openapi.json", headers={"Host": EVIL}),
        await client.get(f"{TRAINING_API}/projects", headers=key),
    ]
    assert {answer.status_code for answer in answers} == {200, 503, 404, 401, 421}
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"


def test_allowed_hosts_are_read_from_the_environment() -> None:
    """The setting is a list with commas; what is no host's name is refused and named."""
    read = Settings.from_environment({"CUSTOMVISION_HTTP_ALLOWED_HOSTS": "vision.example, [::1] ,*"})
    assert read.http_allowed_hosts == ("vision.example", "[::1]", "*")
    assert Settings.from_environment({}).http_allowed_hosts == ()
    for wrong in ("http://vision.example", "vision.example/x", "a b"):
        with pytest.raises(ConfigurationError, match="CUSTOMVISION_HTTP_ALLOWED_HOSTS"):
            Settings.from_environment({"CUSTOMVISION_HTTP_ALLOWED_HOSTS": wrong})
