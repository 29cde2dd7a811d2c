"""The backbone that a project's domain calls for."""

from customvision.training.backbones.domains import Domains
from customvision.training.backbones.preparation import BackbonePreparation
from customvision.training.backbones.prepared import PreparedBackbone


class DomainBackbones:
    """Finds out a domain's network, and has its backbone made ready."""

    def __init__(self, preparation: BackbonePreparation, domains: Domains) -> None:
        self._preparation = preparation
        self._domains = domains

    async def of_domain(self, domain_id: str) -> PreparedBackbone:
        """Returns a domain's backbone once it is ready. Raises BackboneUnavailable, NotFound, DomainUnusable.

        An empty id is the default domain's.
        """
        return await self._preparation.backbone(await self._domains.architecture(domain_id))

    async def known_id_for(self, project_id: str) -> str:
        """Returns the id of the backbone that the project's next training uses, or an empty string while unknown.

        Such a backbone is made ready from now on. Raises NotFound, DomainUnusable.
        """
        architecture = await self._domains.architecture_of_project(project_id)
        self._preparation.start(architecture)
        return self._preparation.known_backbone_id(architecture)
