"""Domains in JSON."""

from uuid import UUID

from customvision.gateway.rest.models.base import ApiModel
from customvision.gateway.rest.models.exports import EXPORT_PLATFORMS
from customvision.v1 import domains_pb2

TYPE = "Classification"
BYTES_PER_MEGABYTE = 1_000_000


class ModelInformation(ApiModel):
    """How large a model of the domain is, about, and what it is."""

    estimated_model_size_in_megabytes: int
    description: str


class Domain(ApiModel):
    """A domain; ``modelInformation`` is there for exportable ones."""

    id: UUID
    name: str
    type: str
    exportable: bool
    enabled: bool
    exportable_platforms: list[str]
    model_information: ModelInformation | None = None


def domain_of(domain: domains_pb2.Domain) -> Domain:
    """Returns a domain as the API tells it."""
    told = Domain(
        id=UUID(domain.domain_id),
        name=domain.name,
        type=TYPE,
        exportable=domain.compact,
        enabled=True,
        exportable_platforms=EXPORT_PLATFORMS if domain.compact else [],
    )
    if domain.compact:
        megabytes = max(1, round(domain.weights_size_bytes / BYTES_PER_MEGABYTE))
        told.model_information = ModelInformation(
            estimated_model_size_in_megabytes=megabytes, description=domain.description
        )
    return told
