"""The calls about domains."""

from typing import Any

from customvision.project.domain.domain import DOMAINS, Domain, require_domain
from customvision.project.servicer.conversions import duration_of
from customvision.v1 import domains_pb2


class DomainMethods:
    """Translates the calls about domains; the table is fixed."""

    async def ListDomains(
        self, request: domains_pb2.ListDomainsRequest, context: Any
    ) -> domains_pb2.ListDomainsResponse:
        """Returns all domains."""
        return domains_pb2.ListDomainsResponse(domains=map(domain_message, DOMAINS))

    async def GetDomain(self, request: domains_pb2.GetDomainRequest, context: Any) -> domains_pb2.Domain:
        """Returns a domain."""
        return domain_message(require_domain(request.domain_id))


def domain_message(domain: Domain) -> domains_pb2.Domain:
    """Returns the message of a domain."""
    architecture = domain.architecture
    return domains_pb2.Domain(
        domain_id=domain.domain_id,
        name=domain.name,
        description=domain.description,
        architecture=architecture.name,
        input_size=architecture.input_size,
        preprocessing=architecture.preprocessing,
        weights_size_bytes=architecture.weights_size_bytes,
        latency=duration_of(architecture.latency),
        compact=domain.compact,
    )
