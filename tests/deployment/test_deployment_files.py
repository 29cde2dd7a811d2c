"""What stands in deploy/ and docs/deployment.md fits its schemas and the product."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from typer.core import TyperGroup
from typer.main import get_command

from customvision.cli.__main__ import app
from customvision.client.channel import OPTIONS
from customvision.common.server import GRACE_SECONDS
from customvision.common.settings import DEFAULT_ADDRESSES
from customvision.prediction.stored_predictions import FLUSH_SECONDS

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
PAGE = ROOT / "docs" / "deployment.md"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
PORTS = {int(address.rpartition(":")[2]) for address in DEFAULT_ADDRESSES.values()}
UNITS = {"s": 1, "m": 60}
ALL_INTERFACES = "0.0.0.0"  # noqa: S104 - of a container


def resources() -> Iterator[dict[str, Any]]:
    """Yields every resource of the manifests."""
    for path in MANIFESTS:
        yield from yaml.safe_load_all(path.read_text())


def pods() -> Iterator[dict[str, Any]]:
    """Yields the pod of every workload."""
    for resource in resources():
        if resource["kind"] in ("Deployment", "StatefulSet"):
            yield resource["spec"]["template"]["spec"]


def own_services() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the services of the compose file that run this product."""
    for name, service in COMPOSE["services"].items():
        if service["image"] == "customvision":
            yield name, service


def drain_seconds(environment: dict[str, str]) -> float:
    """Returns how long a service with this environment serves on."""
    return float(environment.get("CUSTOMVISION_DRAIN_SECONDS", "1"))


def is_command(words: list[str]) -> bool:
    """Tells whether the command line takes these words."""
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    command = group.commands.get(words[0])
    if command is None:
        return False
    command.make_context(words[0], words[1:])
    return True


def test_the_compose_file_fits_the_specification() -> None:
    """deploy/compose.yaml is what the Compose specification allows."""
    package = pytest.importorskip("check_jsonschema", reason="is no part of this development environment")
    (path,) = Path(package.__file__).parent.rglob("compose-spec.json")
    jsonschema_rs.validate(json.loads(path.read_text()), COMPOSE)


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_the_manifests_fit_kubernetes(path: Path) -> None:
    """Each resource has the fields of its kind, and no others."""
    kubernetes_validate = pytest.importorskip(
        "kubernetes_validate", reason="is no part of this development environment"
    )
    for resource in yaml.safe_load_all(path.read_text()):
        kubernetes_validate.validate(resource, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("path", [*FILES, PAGE], ids=lambda path: path.name)
def test_every_setting_exists(path: Path) -> None:
    """Each setting that a file names is one that docs/operations.md documents, and so one that the product reads."""
    documented = (ROOT / "docs" / "operations.md").read_text()
    named = set(re.findall(r"CUSTOMVISION_[A-Z_]*[A-Z]", path.read_text()))
    assert not sorted(name for name in named if f"`{name}`" not in documented)


def test_every_port_is_one_of_the_products() -> None:
    """Containers open and probe the ports that the services have."""
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    exposed = re.search(r"^EXPOSE (.+)$", dockerfile, re.MULTILINE)
    assert exposed is not None
    assert {int(port) for port in exposed[1].split()} == PORTS
    for pod in pods():
        (container,) = pod["containers"]
        (port,) = container["ports"]
        assert port["containerPort"] in PORTS
        (own,) = (entry["value"] for entry in container["env"] if entry["name"].endswith("_ADDRESS"))
        assert own == f"{ALL_INTERFACES}:{port['containerPort']}"
        grpc = container["readinessProbe"].get("grpc", {"port": port["containerPort"]})
        assert grpc["port"] == port["containerPort"]


def test_every_service_is_found_by_its_name() -> None:
    """The addresses that the services are given are names and ports of the files."""
    (settings,) = (resource["data"] for resource in resources() if resource["kind"] == "ConfigMap")
    served = {
        f"{resource['metadata']['name']}:{port['port']}"
        for resource in resources()
        if resource["kind"] == "Service"
        for port in resource["spec"]["ports"]
    }
    assert {value for name, value in settings.items() if name.endswith("_ADDRESS")} <= served
    for _, service in own_services():
        for name, value in service["environment"].items():
            host = value.rpartition(":")[0]
            assert not name.endswith("_ADDRESS") or host in {*COMPOSE["services"], ALL_INTERFACES}


def test_every_command_exists() -> None:
    """What containers run, and what the page shows, are commands of the command line."""
    commands = [service["command"] for _, service in own_services()]
    commands += [pod["containers"][0]["args"] for pod in pods()]
    shell = re.findall(r"^(?:/\S+/)?customvision (.+)$", PAGE.read_text(), re.MULTILINE)
    unit = re.findall(r"^ExecStart=\S+/customvision (.+)$", (DEPLOY / "systemd/customvision.service").read_text(), re.M)
    assert len(shell) >= 2
    assert len(unit) == 1
    for words in [*commands, *map(shlex.split, shell + unit)]:
        assert is_command(words), words


def test_a_drain_ends_before_the_process_is_killed() -> None:
    """Containers and pods get the time that draining takes: serving on, running calls, stored predictions."""
    for name, service in own_services():
        allowed = service["stop_grace_period"]
        assert int(allowed[:-1]) * UNITS[allowed[-1]] > drain_seconds(service["environment"]) + 10, name
    for pod in pods():
        environment = {entry["name"]: entry["value"] for entry in pod["containers"][0]["env"]}
        assert pod["terminationGracePeriodSeconds"] > drain_seconds(environment) + 10
    assert GRACE_SECONDS + FLUSH_SECONDS < 10


def test_nothing_runs_as_root_or_writes_where_it_need_not() -> None:
    """Containers have a user of their own, no capabilities, and a root file system that is read-only."""
    assert "\nUSER 10001:10001\n" in (DEPLOY / "Dockerfile").read_text()
    for name, service in own_services():
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"]), name
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"]
        security = pod["containers"][0]["securityContext"]
        assert security["readOnlyRootFilesystem"]
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert not security["allowPrivilegeEscalation"]


def test_the_image_is_built_from_what_there_is() -> None:
    """The Dockerfile copies paths of the repository, which .dockerignore lets through."""
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    for source in " ".join(copied).split():
        assert (ROOT / source).exists(), source
        assert f"!{source}" in allowed, source


def test_the_python_client_has_the_documented_policy() -> None:
    """Its retry policy and how soon it connects again are those that the page promises no failed call for."""
    page = PAGE.read_text()
    callers = page[page.index("### Callers") : page.index("### Drain")]
    documented = json.loads(callers[callers.index("```json") + len("```json") : callers.index("\n```\n")])
    options = dict(OPTIONS)
    [own] = json.loads(str(options["grpc.service_config"]))["methodConfig"]
    assert [method["retryPolicy"] for method in documented["methodConfig"]] == [own["retryPolicy"]]
    arguments = dict(re.findall(r"^(grpc\.\w+_backoff_ms) = (\d+)$", callers, re.MULTILINE))
    assert len(arguments) == 3
    assert arguments == {name: str(options[name]) for name in arguments}
