"""The networks that models rest on, one per digest, and how each is compiled."""

import asyncio
import contextlib
import tempfile
from concurrent.futures import Executor
from pathlib import Path
from weakref import WeakValueDictionary

import openvino
import structlog

from customvision.common.processors import available_cores
from customvision.prediction.artifact_cache import ArtifactCache
from customvision.prediction.network import Network
from customvision.vision.artifacts import ArtifactInvalid, BackboneArtifact
from customvision.vision.decoding import PREPROCESSING
from customvision.vision.network_parts import NetworkParts, PartsInvalid, compact, memory_bytes, parted
from customvision.vision.trunk import Stem, Trunk

log = structlog.get_logger()

# What more threads gain for one image of 224 pixels is little.
MOST_LONE_THREADS = 4


class Networks:
    """Hands out networks. Holds them weakly: a network goes when the last model that rests on it does."""

    def __init__(self, cache: ArtifactCache, executor: Executor) -> None:
        """``executor`` compiles."""
        self._cache = cache
        self._executor = executor
        self._networks: WeakValueDictionary[str, Network] = WeakValueDictionary()
        self._stems: WeakValueDictionary[str, Stem] = WeakValueDictionary()

    async def get(self, backbone_sha256: str) -> Network:
        """Returns the network of that backbone, not compiled yet where it is new.

        Raises ArtifactInvalid where the backbone cannot be used, and what fetching it raises.
        """
        network = self._networks.get(backbone_sha256)
        if network is None:
            fine_tuned = await self._cache.is_fine_tuned(backbone_sha256)
            made = Network(backbone_sha256, fine_tuned=fine_tuned)
            network = self._networks.setdefault(backbone_sha256, made)
        return network

    async def compile(self, network: Network) -> Trunk:
        """Returns the network's compiled form, and notes what it holds; it is for the caller to put it in place.

        Raises ArtifactInvalid where the backbone cannot be used, and what fetching it raises.
        """
        data = await self._cache.get(network.sha256)
        loop = asyncio.get_running_loop()
        trunk, network.stem, network.memory_bytes = await loop.run_in_executor(self._executor, self._compiled, data)
        return trunk

    def _compiled(self, data: bytes) -> tuple[Trunk, Stem | None, int]:
        """Returns a backbone compiled, the stem that it shares, and the bytes that it holds for itself."""
        backbone = BackboneArtifact.from_bytes(data)
        check_preprocessing(backbone.preprocessing)
        try:
            network, stem = _read(backbone), None
            if backbone.frozen_outputs:
                parts = parted(network, backbone.frozen_outputs)
                network, stem = parts.tail, self._stem(parts)
            if backbone.frozen_outputs is not None:
                network = compact(network)
            trunk = Trunk(network, stem, threads=available_cores())
        except (RuntimeError, IndexError, PartsInvalid) as error:
            raise ArtifactInvalid(f"The backbone {backbone.backbone_id} cannot be compiled ({error}).") from error
        if (trunk.input_size, trunk.feature_count) != (backbone.input_size, backbone.feature_count):
            raise ArtifactInvalid(
                f"The backbone {backbone.backbone_id} does not have the shape that its manifest names."
            )
        if backbone.frozen_outputs is None:
            # Not a fine-tuned network's own part: there may be a thousand, and each would be there twice.
            self._compile_lone_later(trunk, network)
        return trunk, stem, memory_bytes(network, threads=available_cores())

    def _stem(self, parts: NetworkParts) -> Stem:
        stem = self._stems.get(parts.stem_digest)
        if stem is None:
            network = compact(parts.stem)
            stem = self._stems[parts.stem_digest] = Stem(network, threads=available_cores())
            self._compile_lone_later(stem, network)
        return stem

    def _compile_lone_later(self, compiled: Trunk | Stem, network: openvino.Model) -> None:
        """Has the second form compiled once nobody waits for the first."""
        # The executor takes nothing more once the service ends.
        with contextlib.suppress(RuntimeError):
            self._executor.submit(_compile_lone, compiled, network)


def _compile_lone(compiled: Trunk | Stem, network: openvino.Model) -> None:
    try:
        compiled.compile_lone(network, min(available_cores(), MOST_LONE_THREADS))
    except RuntimeError:
        # It answers as it is.
        log.exception("an image that is alone will not have every core")


def check_preprocessing(name: str) -> None:
    """Raises ArtifactInvalid where this version does not prepare images in the way of that ``name``."""
    if name != PREPROCESSING:
        raise ArtifactInvalid(
            f"The model was trained on images prepared as '{name}'; this version prepares them as '{PREPROCESSING}'. "
            "Train the project again."
        )


def _read(backbone: BackboneArtifact) -> openvino.Model:
    with tempfile.TemporaryDirectory(prefix="customvision-network-") as folder:
        return openvino.Core().read_model(*backbone.write_model(Path(folder)))
