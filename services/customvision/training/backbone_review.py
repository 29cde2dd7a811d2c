"""The backbone that the next training uses, and which published iterations would gain from it."""

from dataclasses import dataclass

from customvision.training.backbones.preparation import BackbonePreparation, BackboneUnavailable
from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.iterations import Iterations, weights_source_of
from customvision.v1 import iterations_pb2

# From the least accurate on; all that users bring or Keras downloads ranks alike.
_RANKS: dict[int, int] = {iterations_pb2.WEIGHTS_SOURCE_RANDOM: 0, iterations_pb2.WEIGHTS_SOURCE_BUILT_IN: 1}
_RANK_OF_OTHERS = 2


@dataclass(frozen=True)
class CurrentBackbone:
    """``backbone`` is None while it is being made ready, and where ``failure_reason`` says that none can be.

    ``improvable`` are published iterations that rest on less accurate weights, or on an older built-in backbone.
    """

    backbone: PreparedBackbone | None
    failure_reason: str = ""
    improvable: tuple[iterations_pb2.Iteration, ...] = ()


class BackboneReview:
    """Holds what was trained and published against the backbone that there is now."""

    def __init__(self, preparation: BackbonePreparation, iterations: Iterations) -> None:
        self._preparation = preparation
        self._iterations = iterations

    async def current(self, project_id: str) -> CurrentBackbone:
        """Returns the backbone as it stands, held against the project's published iterations where one is named.

        Raises NotFound where there is no such project.
        """
        published = await self._iterations.published(project_id) if project_id else []
        try:
            backbone = self._preparation.outcome()
        except BackboneUnavailable as error:
            return CurrentBackbone(None, str(error))
        if backbone is None:
            return CurrentBackbone(None)
        improvable = (iteration for iteration in published if _improves(backbone, iteration.backbone))
        return CurrentBackbone(backbone, "", tuple(improvable))


def _improves(backbone: PreparedBackbone, used: iterations_pb2.Backbone) -> bool:
    if backbone.backbone_id == used.backbone_id:
        return False
    source = weights_source_of(backbone.weights_source)
    newer_built_in = source == used.weights_source == iterations_pb2.WEIGHTS_SOURCE_BUILT_IN
    return newer_built_in or _rank(source) > _rank(used.weights_source)


def _rank(source: int) -> int:
    return _RANKS.get(source, _RANK_OF_OTHERS)
