"""Features of a data set's photos: as quick training computes them, and of the bare network for its baselines."""

import hashlib
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from domains import bare_trunk
from photos import Photos

from customvision.common.processors import available_cores
from customvision.training.backbones.conversion import convert
from customvision.training.backbones.network import bare_network_from_file, with_pixels_in
from customvision.training.backbones.nuisances import Nuisances
from customvision.training.backbones.prepared import BACKBONE_FILE, NUISANCES_FILE
from customvision.training.backbones.weights_file import read_shape
from customvision.training.computation.embedding import THREADS_PER_CORE, Embedder
from customvision.training.computation.feature_cache import EmbeddedImage
from customvision.training.computation.views import CLOSER_MIRRORED, MIRRORED, views_of
from customvision.vision.artifacts import BackboneArtifact
from customvision.vision.trunk import Trunk

PREPARED = "prepared"

Features = npt.NDArray[np.float32]


@dataclass(frozen=True)
class EmbeddedPhotos:
    """``features`` float32[n, 4, d]: all views, with features of several depths; their looks, and content's digests.

    ``nuisances`` are the backbone's. ``pooled`` float32[n, 2, p]: what the bare network makes of each photo and its
    mirror image, as it pools it.
    """

    photos: Photos
    digests: tuple[str, ...]
    difference_hashes: tuple[int, ...]
    features: Features
    nuisances: Nuisances
    pooled: Features


@dataclass(frozen=True)
class Networks:
    """The same frozen weights twice: as the product runs them, and bare."""

    embedder: Embedder
    nuisances: Nuisances
    bare: Trunk

    def embed(self, photos: Photos) -> EmbeddedPhotos:
        """Returns the features of all photos, each embedded once."""
        with ThreadPoolExecutor(THREADS_PER_CORE * available_cores()) as pool:
            found = list(pool.map(self._embed_one, photos.paths))
        images = [image for image, _ in found]
        return EmbeddedPhotos(
            photos=photos,
            digests=tuple(image.content_sha256 for image in images),
            difference_hashes=tuple(image.difference_hash for image in images),
            features=np.stack(
                [np.stack([image.features[view] for view in sorted(image.features)]) for image in images]
            ),
            nuisances=self.nuisances,
            pooled=np.stack([pooled for _, pooled in found]),
        )

    def _embed_one(self, path: Path) -> tuple[EmbeddedImage, Features]:
        data = path.read_bytes()
        image = self.embedder(data, hashlib.sha256(data).hexdigest(), range(CLOSER_MIRRORED + 1))
        pixels = views_of(data, self.bare.input_size, range(MIRRORED + 1))
        return image, np.stack([self.bare.embed(seen) for seen in pixels])


def load_networks(weights_file: Path, folder: Path) -> Networks:
    """Prepares the weights in ``weights_file`` both ways."""
    network = with_pixels_in(bare_network_from_file(weights_file))
    bare = bare_trunk(network, "bare", folder, threads=available_cores())
    embedder = Embedder(product_trunk(weights_file, folder))
    return Networks(embedder, nuisances_below(folder), bare)


def nuisances_below(folder: Path) -> Nuisances:
    """Returns those of the weights that product_trunk prepared below ``folder``."""
    return Nuisances.load(folder / PREPARED / NUISANCES_FILE)


def product_trunk(weights_file: Path, folder: Path) -> Trunk:
    """Prepares the weights in ``weights_file`` as the product does, and loads what comes of it as training does."""
    with tempfile.TemporaryDirectory() as files:
        return Trunk.load(*prepared_backbone(weights_file, folder).write_model(Path(files)))


def prepared_backbone(weights_file: Path, folder: Path) -> BackboneArtifact:
    """Returns what the product makes of the weights in ``weights_file``, made below ``folder`` unless it is there."""
    prepared = folder / PREPARED
    if not prepared.exists():
        architecture = read_shape(weights_file).architecture
        convert(weights_file=weights_file, backbone_id="bench", architecture=architecture, folder=prepared)
    return BackboneArtifact.from_bytes((prepared / BACKBONE_FILE).read_bytes())
