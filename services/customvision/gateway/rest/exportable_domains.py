"""Which domains make models that the API calls exportable."""

from customvision.gateway.services import Services
from customvision.v1 import domains_pb2


async def exportable_domains(services: Services) -> frozenset[str]:
    """Returns the ids of the compact domains."""
    answer = await services.project.ListDomains(domains_pb2.ListDomainsRequest())
    return frozenset(domain.domain_id for domain in answer.domains if domain.compact)
