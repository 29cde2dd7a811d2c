"""Domains: the table, and the choice that a project makes."""

import re
import uuid
from pathlib import Path

import grpc
import pytest

from customvision.project.domain.domain import DEFAULT_DOMAIN, DOMAINS
from customvision.v1 import domains_pb2, projects_pb2
from project_calls import MISSING, Stub, make_project, refusal_of

COMPACT = "0732100f-1a38-4e49-a514-c9b44c697ab5"
ARCHITECTURE = re.compile(r"mobilenet_(v1|v2|v3_large|v3_small)_\d\.\d+_\d+")


async def create(stub: Stub, domain_id: str, *, request_id: str = "") -> projects_pb2.Project:
    """Creates a project with a domain."""
    return await stub.CreateProject(
        projects_pb2.CreateProjectRequest(name="garden", domain_id=domain_id, request_id=request_id)
    )


async def test_domains_are_listed_default_first(stub: Stub) -> None:
    """Each has an id and a name of its own and says what it is and costs; GetDomain answers the same, in any case."""
    domains = list((await stub.ListDomains(domains_pb2.ListDomainsRequest())).domains)
    assert (domains[0].name, domains[0].domain_id) == ("General", DEFAULT_DOMAIN.domain_id)
    assert len({domain.domain_id for domain in domains}) == len({domain.name for domain in domains}) == len(DOMAINS)
    for domain in domains:
        assert str(uuid.UUID(domain.domain_id)) == domain.domain_id
        assert ARCHITECTURE.fullmatch(domain.architecture)
        assert domain.architecture.endswith(f"_{domain.input_size}")
        assert domain.description
        assert domain.preprocessing.startswith("x")
        assert domain.weights_size_bytes > 1_000_000
        assert 0 < domain.latency.ToTimedelta().total_seconds() < 0.1
        request = domains_pb2.GetDomainRequest(domain_id=domain.domain_id.upper())
        assert await stub.GetDomain(request) == domain
        assert domain.compact == ("(compact)" in domain.name)


async def test_an_unknown_domain_is_refused(stub: Stub) -> None:
    """Asked for, chosen at creation or later: NOT_FOUND, and nothing is created or changed."""
    project = await make_project(stub)
    update = projects_pb2.UpdateProjectRequest(project_id=project.project_id, name="other", domain_id=MISSING)
    for call in (
        stub.GetDomain(domains_pb2.GetDomainRequest(domain_id=MISSING)),
        create(stub, MISSING),
        stub.UpdateProject(update),
    ):
        refusal = await refusal_of(call)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "DOMAIN_NOT_FOUND")
        assert refusal.metadata == {"domain_id": MISSING}
    assert list((await stub.ListProjects(projects_pb2.ListProjectsRequest())).projects) == [project]


async def test_a_project_has_the_domain_it_chose(stub: Stub) -> None:
    """General unless it says otherwise; a change of the domain keeps all else, and other changes keep the domain."""
    assert (await make_project(stub)).domain_id == DEFAULT_DOMAIN.domain_id
    chosen = await create(stub, COMPACT.upper())
    assert chosen.domain_id == COMPACT
    renamed = await stub.UpdateProject(projects_pb2.UpdateProjectRequest(project_id=chosen.project_id, name="x"))
    assert renamed.domain_id == COMPACT
    request = projects_pb2.UpdateProjectRequest(project_id=chosen.project_id, domain_id=DEFAULT_DOMAIN.domain_id)
    changed = await stub.UpdateProject(request)
    assert (changed.name, changed.domain_id) == ("x", DEFAULT_DOMAIN.domain_id)
    assert await stub.GetProject(projects_pb2.GetProjectRequest(project_id=chosen.project_id)) == changed


@pytest.mark.parametrize("first", ["", DEFAULT_DOMAIN.domain_id])
async def test_a_repeated_creation_knows_its_domain(stub: Stub, first: str) -> None:
    """The same request answers the same project, said or unsaid default; another domain is another request."""
    project = await create(stub, first, request_id=MISSING)
    assert await create(stub, "", request_id=MISSING) == project
    assert (await refusal_of(create(stub, COMPACT, request_id=MISSING))).reason == "REQUEST_ID_REUSED"


def test_the_page_shows_the_table() -> None:
    """docs/domains.md tells users the same network, size, time, use and id of each domain as the service does."""
    page = (Path(__file__).parents[2] / "docs" / "domains.md").read_text()
    for domain in DOMAINS:
        network = domain.architecture
        size, milliseconds = network.weights_size_bytes / 1e6, network.latency.total_seconds() * 1000
        costs = f"{size:.1f} MB | {milliseconds:.1f} ms"
        assert f"| {domain.name} | `{network.name}` | {costs} | {domain.description} |" in page
        assert f"| {domain.name} | `{domain.domain_id}` |" in page
