"""Compiled backbones, one per digest, shared by every model that rests on it."""

import asyncio
import tempfile
from concurrent.futures import Executor
from pathlib import Path
from weakref import WeakValueDictionary

from customvision.common.processors import available_cores
from customvision.prediction.artifact_cache import ArtifactCache
from customvision.vision.artifacts import ArtifactInvalid, BackboneArtifact
from customvision.vision.decoding import PREPROCESSING
from customvision.vision.trunk import Trunk


class TrunkPool:
    """Hands out trunks. Holds them weakly: a trunk goes when the last model that uses it does."""

    def __init__(self, cache: ArtifactCache, executor: Executor) -> None:
        self._cache = cache
        self._executor = executor
        self._trunks: WeakValueDictionary[str, Trunk] = WeakValueDictionary()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def get(self, backbone_sha256: str) -> Trunk:
        """Returns the trunk of that backbone, compiled once however many ask for it at the same time.

        Raises ArtifactInvalid where the backbone cannot be used, and what fetching it raises.
        """
        lock = self._locks.setdefault(backbone_sha256, asyncio.Lock())
        async with lock:
            trunk = self._trunks.get(backbone_sha256)
            if trunk is None:
                data = await self._cache.get(backbone_sha256)
                trunk = await asyncio.get_running_loop().run_in_executor(self._executor, compile_trunk, data)
                self._trunks[backbone_sha256] = trunk
            return trunk


def compile_trunk(data: bytes) -> Trunk:
    """Compiles a backbone artifact's bytes. Takes up to a second. Raises ArtifactInvalid where it does not fit us."""
    backbone = BackboneArtifact.from_bytes(data)
    check_preprocessing(backbone.preprocessing)
    with tempfile.TemporaryDirectory(prefix="customvision-trunk-") as folder:
        try:
            trunk = Trunk.load(*backbone.write_model(Path(folder)), threads=available_cores())
        except (RuntimeError, IndexError) as error:
            raise ArtifactInvalid(f"The backbone {backbone.backbone_id} cannot be compiled ({error}).") from error
    if (trunk.input_size, trunk.feature_count) != (backbone.input_size, backbone.feature_count):
        raise ArtifactInvalid(f"The backbone {backbone.backbone_id} does not have the shape that its manifest names.")
    return trunk


def check_preprocessing(name: str) -> None:
    """Raises ArtifactInvalid where this version does not prepare images in the way of that ``name``."""
    if name != PREPROCESSING:
        raise ArtifactInvalid(
            f"The model was trained on images prepared as '{name}'; this version prepares them as '{PREPROCESSING}'. "
            "Train the project again."
        )
