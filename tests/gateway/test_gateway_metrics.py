"""The figures of a whole suite, told together, and the requests that they are about."""

import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import grpc
import pytest
import structlog

from customvision.common.authentication import KeyRing
from customvision.common.keys import Keys
from customvision.common.server import TRAINING_KEY_ONLY, Server, ServiceDefinition
from customvision.common.settings import Settings
from customvision.gateway import health, metrics
from customvision.gateway.services import SERVICES
from running_gateway import gateway
from scripted_server import ScriptedServer
from told_metrics import samples_of, value_of


@asynccontextmanager
async def served(settings: Settings, keys: Keys) -> AsyncIterator[tuple[Settings, dict[str, ServiceDefinition]]]:
    """Serves three services that have nothing but health and figures, and yields settings with their addresses."""
    definitions = {
        name: ServiceDefinition(name, f"test.{name}", lambda _: None, TRAINING_KEY_ONLY, lambda: None)
        for name in SERVICES
    }
    async with AsyncExitStack() as stack:
        addresses: dict[str, Any] = {}
        for name, definition in definitions.items():
            server = Server(definition, "127.0.0.1:0", KeyRing(keys))
            addresses[f"{name}_address"] = await server.start()
            stack.push_async_callback(server.stop)
        yield replace(settings, **addresses), definitions


async def test_one_text_has_the_figures_of_all(settings: Settings, keys: Keys) -> None:
    """Each sample names its service, each family comes once, and a Prometheus server can read it."""
    async with served(settings, keys) as (wired, definitions), gateway(wired, keys) as client:
        definitions["training"].metrics.gauge("only_training", "A figure of one service", lambda: 3)
        text = (await client.get("/metrics", headers={"training-key": keys.training_key})).text
    assert value_of(text, "only_training", service="training") == 3
    memory = [it.labels for it in samples_of(text) if it.name == "process_resident_memory_bytes"]
    assert memory == [{"service": name} for name in ("gateway", *SERVICES)]
    without = {sample.name for sample in samples_of(text) if "service" not in sample.labels}
    assert all(name.startswith("customvision_http_") for name in without)
    assert [value_of(text, "customvision_service_up", service=name) for name in SERVICES] == [1, 1, 1]
    headers = [line for line in text.splitlines() if line.startswith("#")]
    assert len(headers) == len(set(headers))


async def test_a_service_that_hangs_is_told_as_down_and_holds_up_no_other(
    settings: Settings, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scrape waits a moment for a service that does not answer, and tells the figures of the others."""
    monkeypatch.setattr(metrics, "GET_SECONDS", 0.2)
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.2)
    # Connections come up and nothing ever answers.
    with socket.create_server(("127.0.0.1", 0)) as stuck:
        address = f"127.0.0.1:{stuck.getsockname()[1]}"
        async with (
            served(settings, keys) as (wired, _),
            gateway(replace(wired, project_address=address), keys) as client,
        ):
            text = (await client.get("/metrics", headers={"training-key": keys.training_key})).text
    up = {name: value_of(text, "customvision_service_up", service=name) for name in SERVICES}
    assert up == {"project": 0, "training": 1, "prediction": 1}
    told = {sample.labels["service"] for sample in samples_of(text) if sample.name == "process_cpu_seconds_total"}
    assert told == {"gateway", "training", "prediction"}


async def test_a_requests_id_travels_to_the_services_and_back(settings: Settings, keys: Keys) -> None:
    """The id that a client sends reaches the service behind and comes back; without one, an id is made up."""
    key = {"training-key": keys.training_key}
    path = "/customvision/v3.3/training/domains"
    with ScriptedServer({"ListDomains": lambda call: call.fail(grpc.StatusCode.FAILED_PRECONDITION)}) as project:
        async with gateway(replace(settings, project_address=project.address), keys) as client:
            answer = await client.get(path, headers=key | {"X-Request-Id": "from-the-client"})
            made_up = (await client.get("/healthz")).headers["x-request-id"]
    assert answer.headers["x-request-id"] == "from-the-client"
    metadata = project.calls["ListDomains"][0].context.invocation_metadata()
    assert ("x-request-id", "from-the-client") in {(name, value) for name, value in metadata}
    assert len(made_up) == 32


async def test_requests_are_logged_for_those_who_ask_for_it(settings: Settings, keys: Keys) -> None:
    """With the access log on, a request is one line, without its query; health checks are none."""
    with structlog.testing.capture_logs() as entries:
        async with gateway(replace(settings, access_log=True), keys) as client:
            await client.get("/healthz")
            await client.get("/nowhere?signature=secret", headers={"X-Request-Id": "mine"})
    (line,) = [entry for entry in entries if entry["event"] == "call"]
    assert (line["method"], line["code"], line["request_id"]) == ("GET /nowhere", "401", "mine")
    assert "secret" not in str(entries)
