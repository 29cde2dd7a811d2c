"""Features of a data set: those that are cached, and one pass of the others through the backbone."""

import contextlib
import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from customvision.common.errors import InvalidArgument
from customvision.common.processors import available_cores
from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.computation.data_set import DataSetImage
from customvision.training.computation.feature_cache import FeatureCache
from customvision.training.computation.job import TrainingImpossible
from customvision.training.computation.project_calls import patiently
from customvision.v1 import images_pb2
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub
from customvision.vision.artifacts import ArtifactInvalid, BackboneArtifact
from customvision.vision.decoding import decode_for_backbone
from customvision.vision.trunk import Features, Trunk

DOWNLOAD_IMAGES = 128
DOWNLOAD_SECONDS = 120.0
# Decoding one photo fills the gaps that another leaves in the backbone's stream.
THREADS_PER_CORE = 2

Embed = Callable[[bytes], Features]


class ImageDamaged(Exception):
    """The bytes that came are not those that were stored."""


def load_embedding(backbone: PreparedBackbone) -> Embed:
    """Returns a thread-safe function from an image file's bytes to its features. Raises TrainingImpossible."""
    try:
        artifact = BackboneArtifact.from_bytes(backbone.backbone_file.read_bytes())
    except (ArtifactInvalid, OSError) as error:
        raise TrainingImpossible(
            f"The prepared backbone is damaged ({error}). Delete the folder 'training/backbones' of the data folder "
            "and restart: it is made again."
        ) from error
    with tempfile.TemporaryDirectory() as folder:
        trunk = Trunk.load(*artifact.write_model(Path(folder)))
    return lambda data: trunk.embed(decode_for_backbone(data, artifact.input_size))


def embed_missing(
    project: ProjectServiceStub,
    project_id: str,
    images: Sequence[DataSetImage],
    embed: Embed,
    cache: FeatureCache,
    reached: Callable[[int], None],
) -> None:
    """Computes and caches the features of ``images``, but for those that are gone or cannot be read any more.

    ``reached`` hears after each image how many are done.
    """
    done = 0
    with ThreadPoolExecutor(THREADS_PER_CORE * available_cores()) as pool:
        for start in range(0, len(images), DOWNLOAD_IMAGES):
            batch = images[start : start + DOWNLOAD_IMAGES]
            fresh: dict[str, Features] = {}
            pending = patiently(lambda batch=batch: _begin(project, project_id, batch, embed, pool))  # type: ignore[misc]
            for image in batch:
                with contextlib.suppress(KeyError, ImageDamaged, InvalidArgument):
                    fresh[image.content_sha256] = pending[image.image_id].result()
                done += 1
                reached(done)
            cache.add(fresh)


def _begin(
    project: ProjectServiceStub,
    project_id: str,
    images: Sequence[DataSetImage],
    embed: Embed,
    pool: ThreadPoolExecutor,
) -> "dict[str, Future[Features]]":
    digests = {image.image_id: image.content_sha256 for image in images}
    return {
        image_id: pool.submit(_embed_verified, data, digests[image_id], embed)
        for image_id, data in _downloaded(project, project_id, list(digests))
    }


def _embed_verified(data: bytes, content_sha256: str, embed: Embed) -> Features:
    if hashlib.sha256(data).hexdigest() != content_sha256:
        raise ImageDamaged
    return embed(data)


def _downloaded(project: ProjectServiceStub, project_id: str, image_ids: list[str]) -> Iterator[tuple[str, bytes]]:
    request = images_pb2.DownloadImagesRequest(project_id=project_id, image_ids=image_ids)
    pieces: list[bytes] = []
    for chunk in project.DownloadImages(request, timeout=DOWNLOAD_SECONDS):
        if chunk.missing:
            continue
        pieces.append(chunk.data)
        if chunk.last:
            yield chunk.image_id, b"".join(pieces)
            pieces = []
