"""Images per second that training embeds, from the project service on, against decode and backbone in a bare loop."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median

from embedded_photos import product_trunk
from figures import Figure, tell
from photos import DATA_SETS, data_sets, own_weights
from training_options import Options

from customvision.common.channel import open_blocking_channel
from customvision.common.keys import load_or_create_keys
from customvision.common.processors import available_cores
from customvision.training.backbones.sources import BUILT_IN
from customvision.training.computation.data_set import DataSetImage
from customvision.training.computation.embedding import THREADS_PER_CORE, Embedder, downloaded, embed_missing
from customvision.training.computation.feature_cache import FeatureCache
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub
from customvision.vision.decoding import decode_for_backbone
from customvision.vision.trunk import Trunk
from suite import running_suite
from training import create_project, upload

IMAGES = 1_000
ROUNDS = 3
BATCH = 100


def measure(folder: Path, options: Options) -> list[Figure]:
    """Embeds the same photos both ways in turn, and takes the medians.

    Training's way includes the project service that reads and sends the photos, digests, looks, and the cache.
    """
    del options
    if not DATA_SETS.is_dir():
        return [Figure("photos embedded", "needs the data sets in ../shared")]
    trunk = product_trunk(own_weights() or BUILT_IN, folder)
    every = [path for photos in data_sets() for path in photos.paths]
    paths = every[:: max(1, len(every) // IMAGES)][:IMAGES]
    with (
        running_suite(folder / "embedding", {"CUSTOMVISION_BACKBONE_DOWNLOAD": "off"}) as suite,
        suite.client() as client,
    ):
        suite.wait_until_calm()
        project_id, tags = create_project(client, ["any"])
        upload(client, project_id, tags, {"any": paths})
        images = [DataSetImage(image.image_id, image.content_sha256, (0,)) for image in client.list_images(project_id)]
        keys, _ = load_or_create_keys(suite.home)
        with open_blocking_channel(suite.environment["CUSTOMVISION_PROJECT_ADDRESS"], keys) as channel:
            project = ProjectServiceStub(channel)
            files = _files(project, project_id, images)
            training, bare = [], []
            for number in range(ROUNDS):
                tell(f"embedding {len(images):,} photos both ways, {number + 1} of {ROUNDS}")
                cache = folder / f"features-{number}.sqlite3"
                training.append(_rate(len(images), partial(_as_training, project, project_id, images, trunk, cache)))
                bare.append(_rate(len(images), partial(_bare, files, trunk)))
    return [
        Figure(
            f"{len(images):,} photos embedded",
            f"{median(training):.0f} a second, {median(training) / median(bare):.2f} of bare",
            baseline=f"bare decode and backbone: {median(bare):.0f} a second",
            goal="≥ 0.9 of bare",
        )
    ]


def _files(project: ProjectServiceStub, project_id: str, images: list[DataSetImage]) -> list[bytes]:
    """Returns the files as the project service keeps them."""
    ids = [image.image_id for image in images]
    parts = [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]
    return [data for part in parts for _, data in downloaded(project, project_id, part)]


def _as_training(
    project: ProjectServiceStub, project_id: str, images: list[DataSetImage], trunk: Trunk, cache_file: Path
) -> None:
    digests = [image.content_sha256 for image in images]
    with FeatureCache.open(cache_file, "bench") as cache:
        embed_missing(project, project_id, images, range(1), Embedder(trunk), cache)
        if cache.known(digests, range(1)) != set(digests):
            raise RuntimeError("not all images were embedded")


def _bare(files: list[bytes], trunk: Trunk) -> None:
    with ThreadPoolExecutor(THREADS_PER_CORE * available_cores()) as pool:
        for _ in pool.map(lambda data: trunk.embed(decode_for_backbone(data, trunk.input_size)), files):
            pass


def _rate(images: int, work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return images / (time.perf_counter() - started)
