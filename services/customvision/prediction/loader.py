"""From a published model's digests to a model that has answered once."""

import asyncio
from datetime import UTC, datetime

from customvision.prediction.heads import Heads
from customvision.prediction.model import Model
from customvision.prediction.networks import Networks
from customvision.prediction.publication import PublishedModel
from customvision.prediction.residency import Residency
from customvision.vision.artifacts import ArtifactInvalid

# As many loads at once keep fetching and computing busy without crowding out predictions.
CONCURRENT_LOADS = 8


class ModelLoader:
    """Loads models off the event loop, a few at a time."""

    def __init__(self, heads: Heads, networks: Networks, residency: Residency) -> None:
        self._heads = heads
        self._networks = networks
        self._residency = residency
        self._slots = asyncio.Semaphore(CONCURRENT_LOADS)

    async def load(self, published: PublishedModel) -> Model:
        """Returns the model, verified and warmed.

        Raises ArtifactInvalid where its files cannot be used, and a kind of ServiceError where they cannot be fetched.
        """
        model = await self._unwarmed(published)
        async with self._residency.in_use(model.network) as trunk:
            model.labelled_head.check(trunk)
        return model

    async def take_up(self, published: PublishedModel) -> Model:
        """Returns a model that was verified before a restart; its network, where fine-tuned, loads when it is asked.

        Raises what ``load`` raises.
        """
        model = await self._unwarmed(published)
        if not model.network.fine_tuned:
            async with self._residency.in_use(model.network) as trunk:
                model.labelled_head.check(trunk)
        else:
            self._residency.load_if_room(model.network)
        return model

    async def _unwarmed(self, published: PublishedModel) -> Model:
        async with self._slots:
            head = await self._heads.get(published.model_sha256)
            if head.backbone_sha256 != published.backbone_sha256:
                raise ArtifactInvalid(
                    f"The model rests on the backbone {head.backbone_sha256}; its iteration names another, "
                    f"{published.backbone_sha256}."
                )
            network = await self._networks.get(published.backbone_sha256)
        return Model(published, head, network, load_time=datetime.now(UTC))
