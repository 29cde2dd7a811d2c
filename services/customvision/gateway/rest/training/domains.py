"""Domains that a project can choose."""

from uuid import UUID

from fastapi import APIRouter

from customvision.gateway.rest.models.domains import Domain, domain_of
from customvision.gateway.rest.routing import routes_about
from customvision.gateway.services import Services
from customvision.v1 import domains_pb2


def domain_routes(services: Services) -> APIRouter:
    """Returns the routes of domains."""
    routes, project = routes_about("Domains"), services.project

    @routes.get("/domains", operation_id="GetDomains")
    async def get_domains() -> list[Domain]:
        """Lists the domains, the default first; all are for classification."""
        answer = await project.ListDomains(domains_pb2.ListDomainsRequest())
        return [domain_of(domain) for domain in answer.domains]

    @routes.get("/domains/{domain_id}", operation_id="GetDomain")
    async def get_domain(domain_id: UUID) -> Domain:
        """Returns one domain."""
        return domain_of(await project.GetDomain(domains_pb2.GetDomainRequest(domain_id=str(domain_id))))

    return routes
