"""Features of images that have none yet: one pass of each through the backbone."""

import contextlib
import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from customvision.common.errors import InvalidArgument
from customvision.common.processors import available_cores
from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.computation.data_set import DataSetImage
from customvision.training.computation.feature_cache import EmbeddedImage, FeatureCache
from customvision.training.computation.job import TrainingImpossible
from customvision.training.computation.near_duplicates import difference_hash
from customvision.training.computation.project_calls import patiently
from customvision.training.computation.views import views_of
from customvision.v1 import images_pb2
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub
from customvision.vision.artifacts import ArtifactInvalid, BackboneArtifact
from customvision.vision.trunk import Trunk

DOWNLOAD_IMAGES = 128
DOWNLOAD_SECONDS = 120.0
# Decoding one photo fills the gaps that another leaves in the backbone's stream.
THREADS_PER_CORE = 2


@dataclass(frozen=True)
class Embedder:
    """Computes what a head learns from. Thread-safe."""

    trunk: Trunk

    def __call__(self, data: bytes, content_sha256: str, views: range) -> EmbeddedImage:
        """Returns the features of ``views`` of an image file, and its looks; raises what decoding does."""
        pixels = views_of(data, self.trunk.input_size, views)
        features = {view: self.trunk.embed(seen) for view, seen in zip(views, pixels, strict=True)}
        return EmbeddedImage(content_sha256, features, difference_hash(pixels[0]))


class ImageDamaged(Exception):
    """The bytes that came are not those that were stored."""


def load_embedder(backbone: PreparedBackbone) -> Embedder:
    """Returns the embedder on that backbone. Raises TrainingImpossible."""
    try:
        artifact = BackboneArtifact.from_bytes(backbone.backbone_file.read_bytes())
    except (ArtifactInvalid, OSError) as error:
        raise TrainingImpossible(
            f"The prepared backbone is damaged ({error}). Delete the folder 'training/backbones' of the data folder "
            "and restart: it is made again."
        ) from error
    with tempfile.TemporaryDirectory() as folder:
        return Embedder(Trunk.load(*artifact.write_model(Path(folder))))


def embed_missing(
    project: ProjectServiceStub,
    project_id: str,
    images: Sequence[DataSetImage],
    views: range,
    embedder: Embedder,
    cache: FeatureCache,
    reached: Callable[[int], None] = lambda _: None,
) -> None:
    """Computes and caches ``views`` of ``images``, but for those that are gone or cannot be read any more.

    ``reached`` hears after each image how many are done.
    """
    done = 0
    with ThreadPoolExecutor(THREADS_PER_CORE * available_cores()) as pool:
        for start in range(0, len(images), DOWNLOAD_IMAGES):
            batch = images[start : start + DOWNLOAD_IMAGES]
            fresh: list[EmbeddedImage] = []
            pending = patiently(lambda batch=batch: _begin(project, project_id, batch, views, embedder, pool))  # type: ignore[misc]
            for image in batch:
                with contextlib.suppress(KeyError, ImageDamaged, InvalidArgument):
                    fresh.append(pending[image.image_id].result())
                done += 1
                reached(done)
            cache.add(fresh)


def _begin(
    project: ProjectServiceStub,
    project_id: str,
    images: Sequence[DataSetImage],
    views: range,
    embedder: Embedder,
    pool: ThreadPoolExecutor,
) -> "dict[str, Future[EmbeddedImage]]":
    digests = {image.image_id: image.content_sha256 for image in images}
    return {
        image_id: pool.submit(_embed_verified, data, digests[image_id], views, embedder)
        for image_id, data in downloaded(project, project_id, list(digests))
    }


def _embed_verified(data: bytes, content_sha256: str, views: range, embedder: Embedder) -> EmbeddedImage:
    if hashlib.sha256(data).hexdigest() != content_sha256:
        raise ImageDamaged
    return embedder(data, content_sha256, views)


def downloaded(project: ProjectServiceStub, project_id: str, image_ids: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yields id and bytes of the images that there are; raises what gRPC does."""
    request = images_pb2.DownloadImagesRequest(project_id=project_id, image_ids=image_ids)
    pieces: list[bytes] = []
    for chunk in project.DownloadImages(request, timeout=DOWNLOAD_SECONDS):
        if chunk.missing:
            continue
        pieces.append(chunk.data)
        if chunk.last:
            yield chunk.image_id, b"".join(pieces)
            pieces = []
