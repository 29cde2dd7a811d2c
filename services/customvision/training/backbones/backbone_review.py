"""The backbone that the next training uses, and which published iterations would gain from it."""

from collections.abc import Sequence
from dataclasses import dataclass

from customvision.training.backbones.architectures import Architecture
from customvision.training.backbones.domains import Domains
from customvision.training.backbones.preparation import BackbonePreparation, BackboneUnavailable
from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.iterations import Iterations, weights_source_of
from customvision.v1 import iterations_pb2

# From the least accurate on; all that users bring or Keras downloads ranks alike.
_RANKS: dict[int, int] = {iterations_pb2.WEIGHTS_SOURCE_RANDOM: 0, iterations_pb2.WEIGHTS_SOURCE_BUILT_IN: 1}
_RANK_OF_OTHERS = 2


@dataclass(frozen=True)
class Renewed:
    """A published iteration that would gain, and the ``newer`` one that has gained already and may be published."""

    published: iterations_pb2.Iteration
    newer: iterations_pb2.Iteration


@dataclass(frozen=True)
class CurrentBackbone:
    """``backbone`` is None while it is being made ready, and where ``failure_reason`` says that none can be.

    ``improvable`` are published iterations that rest on less accurate weights, or on an older built-in backbone, and
    ``renewed`` those whose project need only publish what it has.
    """

    backbone: PreparedBackbone | None
    failure_reason: str = ""
    improvable: tuple[iterations_pb2.Iteration, ...] = ()
    renewed: tuple[Renewed, ...] = ()


class BackboneReview:
    """Holds what was trained and published against the backbone that there is now."""

    def __init__(self, preparation: BackbonePreparation, iterations: Iterations, domains: Domains) -> None:
        self._preparation = preparation
        self._iterations = iterations
        self._domains = domains

    async def of_domain(self, domain_id: str) -> CurrentBackbone:
        """Returns the domain's backbone as it stands; an empty id is the default's. Raises NotFound, DomainUnusable."""
        return self._standing(await self._domains.architecture(domain_id))

    async def of_project(self, project_id: str) -> CurrentBackbone:
        """Returns the backbone of the project's domain, held against the project's published iterations.

        Raises NotFound where there is no such project, DomainUnusable.
        """
        architecture = await self._domains.architecture_of_project(project_id)
        completed = await self._iterations.completed(project_id)
        # Those of another network are no worse for resting on another backbone.
        alike = [found for found in completed if await self._domains.architecture(found.domain_id) == architecture]
        current = self._standing(architecture)
        return current if current.backbone is None else _held_against(current.backbone, alike)

    def _standing(self, architecture: Architecture) -> CurrentBackbone:
        self._preparation.start(architecture)
        try:
            return CurrentBackbone(self._preparation.outcome(architecture))
        except BackboneUnavailable as error:
            return CurrentBackbone(None, str(error))


def _held_against(backbone: PreparedBackbone, completed: Sequence[iterations_pb2.Iteration]) -> CurrentBackbone:
    """Returns ``backbone`` with the published ones of ``completed``, newest first, that would gain from it."""
    improvable: list[iterations_pb2.Iteration] = []
    renewed: list[Renewed] = []
    good: iterations_pb2.Iteration | None = None
    for iteration in completed:
        if not _improves(backbone, iteration):
            # One that is published already is wanted under the name that it has.
            good = good or (None if iteration.publish_name else iteration)
        elif iteration.publish_name and good is not None:
            renewed.append(Renewed(iteration, good))
        elif iteration.publish_name:
            improvable.append(iteration)
    return CurrentBackbone(backbone, "", tuple(improvable), tuple(renewed))


def _improves(backbone: PreparedBackbone, iteration: iterations_pb2.Iteration) -> bool:
    used = iteration.backbone
    if backbone.backbone_id == used.backbone_id:
        return False
    source = weights_source_of(backbone.weights_source)
    # A fine-tuned network is no older built-in one, though it began with that.
    newer_built_in = (
        source == used.weights_source == iterations_pb2.WEIGHTS_SOURCE_BUILT_IN and not iteration.fine_tuned
    )
    return newer_built_in or _rank(source) > _rank(used.weights_source)


def _rank(source: int) -> int:
    return _RANKS.get(source, _RANK_OF_OTHERS)
