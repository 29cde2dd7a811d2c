"""From a published model's digests to a model that has answered once."""

import asyncio
from concurrent.futures import Executor
from datetime import UTC, datetime

import numpy as np

from customvision.prediction.artifact_cache import ArtifactCache
from customvision.prediction.model import Model
from customvision.prediction.publication import PublishedModel
from customvision.prediction.stages import ObserveStage, unobserved
from customvision.prediction.trunks import TrunkPool, check_preprocessing
from customvision.vision.artifacts import ArtifactInvalid, ModelArtifact
from customvision.vision.trunk import Trunk

# As many loads at once keep fetching and computing busy without crowding out predictions.
CONCURRENT_LOADS = 8


class ModelLoader:
    """Loads models off the event loop, a few at a time."""

    def __init__(
        self, cache: ArtifactCache, trunks: TrunkPool, executor: Executor, observe: ObserveStage = unobserved
    ) -> None:
        """The models that it loads tell ``observe`` how long the stages of their answers took."""
        self._cache = cache
        self._trunks = trunks
        self._executor = executor
        self._observe = observe
        self._slots = asyncio.Semaphore(CONCURRENT_LOADS)

    async def load(self, published: PublishedModel) -> Model:
        """Returns the model, verified and warmed.

        Raises ArtifactInvalid where its files cannot be used, and a kind of ServiceError where they cannot be fetched.
        """
        async with self._slots:
            data = await self._cache.get(published.model_sha256)
            trunk = await self._trunks.get(published.backbone_sha256)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._executor, warmed_model, published, data, trunk, self._observe)


def warmed_model(published: PublishedModel, data: bytes, trunk: Trunk, observe: ObserveStage) -> Model:
    """Builds a model from its artifact's bytes and has it answer once. Raises ArtifactInvalid where it cannot."""
    artifact = ModelArtifact.from_bytes(data)
    check_preprocessing(artifact.preprocessing)
    if artifact.backbone_sha256 != published.backbone_sha256:
        raise ArtifactInvalid(
            f"The model rests on the backbone {artifact.backbone_sha256}; its iteration names another, "
            f"{published.backbone_sha256}."
        )
    if artifact.head.weights.shape[0] != trunk.feature_count:
        raise ArtifactInvalid(
            f"The head expects {artifact.head.weights.shape[0]} features, its backbone gives {trunk.feature_count}."
        )
    blank = np.zeros((trunk.input_size, trunk.input_size, 3), np.uint8)
    if not np.isfinite(artifact.head.probabilities(trunk.embed(blank))).all():
        raise ArtifactInvalid("The model answers a blank image with numbers that are not finite.")
    return Model(published, artifact.labels, artifact.head, trunk, load_time=datetime.now(UTC), observe=observe)
