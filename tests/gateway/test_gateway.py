"""The gateway over real HTTP on port 0."""

import asyncio
import re
import threading
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi.routing import iter_route_contexts

from customvision.common.authentication import KeyRing, Role
from customvision.common.keys import Keys
from customvision.common.server import TRAINING_KEY_ONLY, Server, ServiceDefinition
from customvision.common.settings import Settings
from customvision.gateway import services
from customvision.gateway.application import open_application
from customvision.gateway.authentication import is_open, roles_of
from customvision.gateway.services import SERVICES
from running_gateway import gateway, training_api
from scripted_server import ScriptedServer


@asynccontextmanager
async def healthy_services(settings: Settings, keys: Keys) -> AsyncIterator[tuple[Settings, list[Server]]]:
    """Serves three services that have nothing but health, and yields settings with their addresses."""
    servers: list[Server] = []
    addresses: dict[str, Any] = {}
    for service in SERVICES:
        definition = ServiceDefinition(service, f"test.{service}", lambda _: None, TRAINING_KEY_ONLY, lambda: None)
        servers.append(Server(definition, "127.0.0.1:0", KeyRing(keys)))
        addresses[f"{service}_address"] = await servers[-1].start()
    try:
        yield replace(settings, **addresses), servers
    finally:
        await asyncio.gather(*(server.stop() for server in servers))


async def test_health_is_503_and_names_the_service_that_is_away(settings: Settings, keys: Keys) -> None:
    """Health answers 503 while a service is away, says which, and 200 when all serve."""
    async with (
        healthy_services(settings, keys) as (wired, servers),
        gateway(wired, keys) as client,
    ):
        answer = await client.get("/healthz")
        assert answer.status_code == 200
        assert answer.json()["services"] == dict.fromkeys(SERVICES, "serving")
        await servers[1].stop()
        answer = await client.get("/healthz")
        assert answer.status_code == 503
        assert answer.json()["services"] == {"project": "serving", "training": "not serving", "prediction": "serving"}


async def test_metrics_tell_which_services_serve(settings: Settings, keys: Keys) -> None:
    """Metrics carry one gauge per service and count requests by route and status."""
    async with healthy_services(settings, keys) as (wired, _), gateway(wired, keys) as client:
        await client.get("/nowhere", headers={"training-key": keys.training_key})
        answer = await client.get("/metrics", headers={"Authorization": f"Bearer {keys.training_key}"})
    assert answer.status_code == 200
    assert 'customvision_service_up{service="project"} 1.0' in answer.text
    assert 'customvision_http_requests_total{method="GET",route="unmatched",status="404"} 1.0' in answer.text


PARAMETERS = {"version": "v3.1", "published_name": "name"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def every_route(shared_settings: Settings, keys: Keys) -> list[tuple[str, str]]:
    """Method and path of every route, ids filled in."""
    async with open_application(shared_settings, keys) as application:
        routes = [*iter_route_contexts(application.routes)]
    filled = re.compile(r"{(\w+)(:\w+)?}")
    return [
        (method, filled.sub(lambda found: PARAMETERS.get(found[1], str(uuid.uuid4())), route.path))
        for route in routes
        for method in sorted(route.methods or ())
        if route.path
    ]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "Unauthorized"),
        ({"training-key": "wrong"}, 401, "Unauthorized"),
        ({"Authorization": "Bearer wrong"}, 401, "Unauthorized"),
        ({"Prediction-Key": "p" * 64}, 403, "Forbidden"),
    ],
)
async def test_every_route_but_health_refuses_callers_without_the_key(
    client: httpx.AsyncClient, every_route: list[tuple[str, str]], headers: dict[str, str], status: int, code: str
) -> None:
    """Every route that is not named as open refuses a missing, a wrong and an insufficient key."""
    assert len({path for _, path in every_route}) > 2
    for method, path in [*every_route, ("GET", "/nowhere")]:
        if is_open(path) or (status == 403 and Role.PREDICTION in roles_of(path)):
            continue
        answer = await client.request(method, path, headers=headers)
        assert answer.status_code == status, (method, path)
        assert method == "HEAD" or answer.json()["code"] == code, (method, path)


async def test_an_unknown_route_is_404_as_json(client: httpx.AsyncClient, keys: Keys) -> None:
    """A path that does not exist is answered with a code and a message."""
    answer = await client.get("/nowhere", headers={"training-key": keys.training_key})
    assert answer.status_code == 404
    assert answer.json()["code"] == "NotFound"


async def test_odd_methods_make_no_new_series(client: httpx.AsyncClient, keys: Keys) -> None:
    """Callers without a key cannot grow the gateway's memory by inventing HTTP methods."""
    for number in range(20):
        await client.request(f"ODD{number}", "/healthz")
    answer = await client.get("/metrics", headers={"training-key": keys.training_key})
    assert "ODD" not in answer.text
    assert 'method="other"' in answer.text


async def test_a_service_that_does_not_answer_is_given_up(
    settings: Settings, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that a service never answers ends, with 503 and when to come back."""
    monkeypatch.setattr(services, "CALL_SECONDS", 0.2)
    released = threading.Event()
    with ScriptedServer({"ListDomains": lambda _: released.wait(30)}) as project:
        wired = replace(settings, project_address=project.address)
        async with training_api(wired, keys) as api:
            answer = await api.get("/domains")
        released.set()
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert "needed service" in answer.json()["message"]
