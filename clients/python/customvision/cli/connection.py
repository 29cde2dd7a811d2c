"""The way to the services, and to what a user names in them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from customvision.cli.failures import Failure
from customvision.v1 import domains_pb2, iterations_pb2, tags_pb2

if TYPE_CHECKING:
    from customvision.client import Client


def connect(*, patience_seconds: float = 0.0) -> "Client":
    """Returns a client of the suite that the environment names; it waits so long for a service that went away."""
    # Imported here: grpc would double the time of `customvision --help`.
    from customvision.client import Client

    return Client(patience_seconds=patience_seconds)


def list_domains(client: "Client") -> list[domains_pb2.Domain]:
    """Returns all domains, the default first."""
    return list(client.project.ListDomains(domains_pb2.ListDomainsRequest()).domains)


def find_domain(client: "Client", name_or_id: str) -> domains_pb2.Domain:
    """Returns a domain by its name or id, in either case. Raises Failure."""
    wanted = name_or_id.casefold()
    for domain in list_domains(client):
        if wanted in (domain.name.casefold(), domain.domain_id):
            return domain
    raise Failure(f"There is no domain '{name_or_id}'. `customvision domains` shows those that there are.")


def domain_names(client: "Client") -> dict[str, str]:
    """Returns the name of each domain by its id."""
    return {domain.domain_id: domain.name for domain in list_domains(client)}


def find_tag(client: "Client", project_id: str, name_or_id: str) -> tags_pb2.Tag:
    """Returns a project's tag by its name or id. Raises Failure."""
    return find_tags(client, project_id, [name_or_id])[0]


def find_tags(client: "Client", project_id: str, names_or_ids: Iterable[str]) -> list[tags_pb2.Tag]:
    """Returns a project's tags by their names or ids, in that order. Raises Failure where one is missing."""
    wanted = list(names_or_ids)
    tags = list(client.list_tags(project_id)) if wanted else []
    known = {tag.tag_id: tag for tag in tags} | {tag.name: tag for tag in tags}
    for name in wanted:
        if name not in known:
            raise Failure(f"The project has no tag '{name}'. `customvision tags list` shows those that it has.")
    return [known[name] for name in wanted]


def find_iteration(client: "Client", project_id: str, text: str) -> iterations_pb2.Iteration:
    """Returns a project's iteration by its name, number, id or publish name. Raises Failure."""
    iterations = list(client.list_iterations(project_id))
    for candidates in (
        [iteration for iteration in iterations if text in (iteration.iteration_id, iteration.name)],
        [iteration for iteration in iterations if text == str(iteration.number)],
        [iteration for iteration in iterations if text == iteration.publish_name],
    ):
        if candidates:
            return candidates[0]
    raise Failure(f"The project has no iteration '{text}'. `customvision iterations list` shows those that it has.")
