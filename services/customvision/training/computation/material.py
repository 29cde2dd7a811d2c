"""What a training learns from: a data set, parted, with the features of every image that can be read."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from customvision.training.backbones.nuisances import NO_NUISANCES, Nuisances
from customvision.training.children.child import Reports
from customvision.training.computation.data_set import DataSet, read_data_set
from customvision.training.computation.feature_cache import FeatureCache, StoredFeatures, with_feature_cache
from customvision.training.computation.held_out import tags_hardly_learned, tags_not_measured
from customvision.training.computation.job import Job
from customvision.training.computation.phases import PhaseReport, report_warning
from customvision.training.computation.project_calls import patiently
from customvision.training.computation.views import view_count
from customvision.training.runs.run import Phase
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub

MAX_NAMED = 5
# What follows the embedding on one core, measured from 300 to 10,000 images: for the estimate of the time left only.
SECONDS_TO_FINISH = 0.5
SECONDS_TO_FIT_EACH = 1e-3
NOTHING_MEASURED = (
    "Nothing measures this model, which has no figures: too few of the images of each tag differ from one another for "
    "any to be held out. It may be surer than it should be. Add photos of other scenes."
)


@dataclass(frozen=True)
class Material:
    """``features`` float32[n, v, d]: v views of each image of ``data_set``, the first as predictions see it.

    ``groups`` int64[n] are equal for images that look alike; ``warnings`` are sentences for the run's user;
    ``nuisances`` are those of the backbone that the features come from.
    """

    data_set: DataSet
    features: npt.NDArray[np.float32]
    groups: npt.NDArray[np.int64]
    warnings: list[str]
    nuisances: Nuisances = NO_NUISANCES

    @property
    def learned(self) -> npt.NDArray[np.bool_]:
        """bool[n]: which images are not held out."""
        return np.array([not image.held_out for image in self.data_set.images])


@dataclass(frozen=True)
class _Found:
    by_view: list[dict[str, StoredFeatures]]
    difference_hashes: dict[str, int]


def gather_material(project: ProjectServiceStub, job: Job, reports: Reports) -> Material:
    """Reads the job's data set and computes the features that are not known. Raises TrainingImpossible."""
    reading = PhaseReport(reports, Phase.READING_DATA_SET, 1)
    data_set = patiently(lambda: read_data_set(project, job))
    reading.finish()
    found = with_feature_cache(
        Path(job.features_file),
        job.backbone.backbone_id,
        lambda cache: _find(project, job, data_set, cache, reports),
    )
    # A view may be known from before, of an image whose file is lost.
    readable_digests = set.intersection(*map(set, found.by_view))
    unreadable = [image.image_id for image in data_set.images if image.content_sha256 not in readable_digests]
    readable = data_set.without(set(unreadable)).parted(found.difference_hashes)
    digests = [image.content_sha256 for image in readable.images]
    warnings = [*warnings_of_unreadable(unreadable), *_warnings_of_likeness(readable)]
    for warning in warnings:
        report_warning(reports, warning)
    return Material(
        data_set=readable,
        features=_side_by_side(found.by_view, digests),
        groups=np.array(readable.groups(found.difference_hashes), dtype=np.int64),
        warnings=warnings,
        nuisances=Nuisances.load(job.backbone.nuisances_file),
    )


def _find(project: ProjectServiceStub, job: Job, data_set: DataSet, cache: FeatureCache, reports: Reports) -> _Found:
    digests = [image.content_sha256 for image in data_set.images]
    views = range(view_count(len(data_set.images), len(data_set.labels)))
    known = cache.known(digests, views)
    # One of each content: equal files have equal features.
    fresh = list({i.content_sha256: i for i in data_set.images if i.content_sha256 not in known}.values())
    seconds_after = SECONDS_TO_FINISH + SECONDS_TO_FIT_EACH * len(data_set.images)
    phase = PhaseReport(reports, Phase.EMBEDDING_IMAGES, len(fresh), seconds_after=seconds_after)
    if fresh:
        # The runtime takes a quarter of a second to load: a run without new images does not pay for it.
        from customvision.training.computation.embedding import embed_missing, load_embedder

        embed_missing(project, job.project_id, fresh, views, load_embedder(job.backbone), cache, phase.reached)
    return _Found([cache.find(digests, view) for view in views], cache.difference_hashes(digests))


def _side_by_side(by_view: list[dict[str, StoredFeatures]], digests: list[str]) -> npt.NDArray[np.float32]:
    features = np.empty((len(digests), len(by_view), len(by_view[0][digests[0]])), np.float32)
    for view, known in enumerate(by_view):
        for row, digest in enumerate(digests):
            features[row, view] = known[digest]
    return features


def warnings_of_unreadable(image_ids: list[str]) -> list[str]:
    """Returns the sentence that names images which had to be left out, or none."""
    if not image_ids:
        return []
    named = ", ".join(image_ids[:MAX_NAMED]) + (", …" if len(image_ids) > MAX_NAMED else "")
    images = "1 image" if len(image_ids) == 1 else f"{len(image_ids)} images"
    were = "was" if len(image_ids) == 1 else "were"
    return [f"{images} could not be read and {were} left out: {named}. Delete or upload again what is missing."]


def _warnings_of_likeness(data_set: DataSet) -> list[str]:
    tags_of_images = [image.tags for image in data_set.images]
    places = [image.held_out for image in data_set.images]
    unmeasured = tags_not_measured(tags_of_images, places)
    hardly_learned = tags_hardly_learned(tags_of_images, places)
    warnings = []
    if len(unmeasured) == len(data_set.labels):
        warnings.append(NOTHING_MEASURED)
    elif unmeasured:
        images_of = "its images" if len(unmeasured) == 1 else "the images of each"
        warnings.append(
            f"Nothing measures how the model does on {_names(unmeasured, data_set)}: too few of {images_of} differ "
            "from one another. Add photos that do."
        )
    if hardly_learned:
        warnings.append(
            f"Most images of {_names(hardly_learned, data_set)} look alike and are held out, so the figures are those "
            "of a model that has learned from few. Add photos of other scenes."
        )
    return warnings


def _names(tags: list[int], data_set: DataSet) -> str:
    named = ", ".join(f"'{data_set.labels[tag].tag_name}'" for tag in tags[:MAX_NAMED])
    return named + (f" and {len(tags) - MAX_NAMED} more" if len(tags) > MAX_NAMED else "")
