"""Images that arrive, a few at a time, and their way into the cache."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

from customvision.common.channel import CALL_SECONDS
from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.computation.data_set import DataSetImage
from customvision.training.computation.feature_cache import FeatureCache, with_feature_cache
from customvision.training.computation.views import view_count
from customvision.training.early_embedding.job import EarlyJob
from customvision.v1 import images_pb2, projects_pb2, tags_pb2
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub

if TYPE_CHECKING:
    from customvision.training.computation.embedding import Embedder

# A run that begins ends this work in the middle of a step: what was computed of it is lost.
IMAGES_A_STEP = 32
IDLE_SECONDS = 5.0
TAGS_A_PAGE = 1000
BACKBONES_LOADED = 2

Arrivals = Sequence[images_pb2.ImageArrival]


def steps(project: ProjectServiceStub, after_sequence: int) -> Iterator[Arrivals]:
    """Yields images after the sequence, at most 32 at a time, until none comes for five seconds."""
    last = after_sequence
    while arrivals := _next_arrivals(project, last):
        for start in range(0, len(arrivals), IMAGES_A_STEP):
            yield arrivals[start : start + IMAGES_A_STEP]
        last = arrivals[-1].sequence


def embed(project: ProjectServiceStub, job: EarlyJob, step: Arrivals) -> None:
    """Computes and caches what is not known of these images, in the views that a training now would use.

    Images that are gone or cannot be read are passed over, and so are those of domains without a backbone. Raises
    TrainingImpossible, and what gRPC does.
    """
    by_project: dict[tuple[str, str], list[DataSetImage]] = defaultdict(list)
    for arrival in step:
        image = DataSetImage(arrival.image_id, arrival.content_sha256, tags=())
        by_project[arrival.project_id, arrival.domain_id].append(image)
    for (project_id, domain_id), images in by_project.items():
        backbone = job.backbones[domain_id]
        views = _views_for(project, project_id) if backbone is not None else range(0)
        if backbone is not None and views:
            _embed_on(backbone, project, project_id, images, views, Path(job.features_file))


def _next_arrivals(project: ProjectServiceStub, after_sequence: int) -> Arrivals:
    # What comes while a batch is embedded is told by the next call.
    request = images_pb2.WatchImagesRequest(after_sequence=after_sequence)
    watch = project.WatchImages(request, timeout=IDLE_SECONDS)
    try:
        for response in watch:
            if response.images:
                return list(response.images)
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.DEADLINE_EXCEEDED:
            raise
    finally:
        watch.cancel()
    return []


def _views_for(project: ProjectServiceStub, project_id: str) -> range:
    """Returns the views that pay for the project as it is now, or none where it is gone."""
    try:
        request = projects_pb2.GetProjectRequest(project_id=project_id)
        total = project.GetProject(request, timeout=CALL_SECONDS).image_count
        page = tags_pb2.ListTagsRequest(project_id=project_id, page_size=TAGS_A_PAGE)
        tags = project.ListTags(page, timeout=CALL_SECONDS).tags
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.NOT_FOUND:
            raise
        return range(0)
    # Untagged images are not trained on: where there are tagged ones they alone count. Tags that are empty yet, or that
    # nobody made yet, make for few images each: a view too many costs nobody's time, one too few the run's.
    return range(view_count(sum(tag.image_count for tag in tags) or total, len(tags) or total))


def _embed_on(
    backbone: PreparedBackbone,
    project: ProjectServiceStub,
    project_id: str,
    images: Sequence[DataSetImage],
    views: range,
    features_file: Path,
) -> None:
    def embed_unknown(cache: FeatureCache) -> None:
        known = cache.known([image.content_sha256 for image in images], views)
        unknown = list({i.content_sha256: i for i in images if i.content_sha256 not in known}.values())
        if unknown:
            # The runtime takes a quarter of a second to load: where all is known nobody pays for it.
            from customvision.training.computation.embedding import embed_missing

            embed_missing(project, project_id, unknown, views, _embedder_on(backbone), cache)

    with_feature_cache(features_file, backbone.backbone_id, embed_unknown)


@lru_cache(BACKBONES_LOADED)
def _embedder_on(backbone: PreparedBackbone) -> "Embedder":
    from customvision.training.computation.embedding import load_embedder

    return load_embedder(backbone)
