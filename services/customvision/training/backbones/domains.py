"""Which network the models of a domain rest on, as the project service tells."""

from collections.abc import Awaitable
from typing import TypeVar

import grpc

from customvision.common.channel import CALL_SECONDS
from customvision.common.errors import FailedPrecondition
from customvision.common.status import error_from_call
from customvision.training.backbones.architectures import (
    DEFAULT,
    Architecture,
    ArchitectureUnknown,
    architecture_of,
)
from customvision.v1 import domains_pb2, projects_pb2
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub

Result = TypeVar("Result")


class DomainUnusable(FailedPrecondition):
    """The project service knows the domain, this training service does not know its network."""

    reason = "DOMAIN_UNUSABLE"


class Domains:
    """Asks the project service once for each domain. Its errors come as this suite's own kinds."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._project = ProjectServiceStub(channel)
        self._architectures: dict[str, Architecture] = {}

    async def architecture(self, domain_id: str) -> Architecture:
        """Returns the network of a domain; an empty id, as of iterations older than domains, means the default one.

        Raises NotFound where there is no such domain, DomainUnusable.
        """
        if not domain_id:
            return DEFAULT
        if domain_id not in self._architectures:
            request = domains_pb2.GetDomainRequest(domain_id=domain_id)
            domain = await _answer(self._project.GetDomain(request, timeout=CALL_SECONDS))
            self._architectures[domain_id] = _architecture_of(domain)
        return self._architectures[domain_id]

    async def architecture_of_project(self, project_id: str) -> Architecture:
        """Returns the network that the project's next training uses. Raises NotFound, DomainUnusable."""
        request = projects_pb2.GetProjectRequest(project_id=project_id)
        project = await _answer(self._project.GetProject(request, timeout=CALL_SECONDS))
        return await self.architecture(project.domain_id)


def _architecture_of(domain: domains_pb2.Domain) -> Architecture:
    try:
        return architecture_of(domain.architecture)
    except ArchitectureUnknown as error:
        raise DomainUnusable(
            f"The domain '{domain.name}' cannot be trained here: {error} Update the training service, or choose "
            "another domain.",
            metadata={"domain_id": domain.domain_id, "architecture": domain.architecture},
        ) from error


async def _answer(call: Awaitable[Result]) -> Result:
    try:
        return await call
    except grpc.RpcError as error:
        raise error_from_call(error, service="project") from error
