"""Heads with their labels, one per digest, shared by every model that has the same."""

from weakref import WeakValueDictionary

from customvision.prediction.artifact_cache import ArtifactCache
from customvision.prediction.labelled_head import LabelledHead
from customvision.prediction.networks import check_preprocessing
from customvision.vision.artifacts import ModelArtifact


class Heads:
    """Hands out heads. Holds them weakly: a head goes when the last model that has it does."""

    def __init__(self, cache: ArtifactCache) -> None:
        self._cache = cache
        self._heads: WeakValueDictionary[str, LabelledHead] = WeakValueDictionary()

    async def get(self, model_sha256: str) -> LabelledHead:
        """Returns the head in that model artifact.

        Raises ArtifactInvalid where it cannot be used, and what fetching it raises.
        """
        head = self._heads.get(model_sha256)
        if head is None:
            head = self._heads.setdefault(model_sha256, await self._cache.get_as(model_sha256, read_head))
        return head


def read_head(data: bytes) -> LabelledHead:
    """Returns the head in a model artifact's bytes. Raises ArtifactInvalid where it cannot be used."""
    artifact = ModelArtifact.from_bytes(data)
    check_preprocessing(artifact.preprocessing)
    return LabelledHead(artifact.labels, artifact.head, artifact.backbone_sha256)
