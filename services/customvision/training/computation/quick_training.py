"""Quick training, phase by phase: features from the cache or the backbone, a head, its figures, the artifacts."""

import importlib.metadata
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.child import Reports
from customvision.training.computation.data_set import DataSet, read_data_set
from customvision.training.computation.feature_cache import FeatureCache, with_feature_cache
from customvision.training.computation.head_fit import FOLDS, choose_strength, fit_head
from customvision.training.computation.job import Job
from customvision.training.computation.phases import PhaseReport, report_metrics, report_warning
from customvision.training.computation.project_calls import patiently
from customvision.training.computation.saving import missing_artifacts, upload_artifact
from customvision.training.event import Metrics
from customvision.training.performance import Evaluation
from customvision.training.run import Phase
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub
from customvision.vision.artifacts import ModelArtifact, digest_of
from customvision.vision.decoding import PREPROCESSING
from customvision.vision.head import Head
from customvision.vision.trunk import Features

MAX_NAMED = 5
# What follows the embedding on one core, measured from 300 to 10,000 images: for the estimate of the time left only.
SECONDS_TO_FINISH = 0.5
SECONDS_TO_FIT_EACH = 1e-4
VERSIONS = ("customvision", "numpy", "openvino", "pillow")


def train(project: ProjectServiceStub, job: Job, reports: Reports) -> None:
    """Trains the job's iteration, hands its artifacts over and reports ``result``. Raises TrainingImpossible."""
    reading = PhaseReport(reports, Phase.READING_DATA_SET, 1)
    data_set = patiently(lambda: read_data_set(project, job))
    reading.finish()
    data_set, features, warnings = _embed(project, job, data_set, reports)
    head, strength, trained_on_part = _fit(data_set, features, reports)
    evaluation = _evaluate(data_set, features, trained_on_part, reports)
    metrics = evaluation.performance().overall
    report_metrics(reports, metrics)
    digests = _save(project, job.backbone, _model(job, data_set, head, strength, metrics), evaluation, reports)
    reports.send("result", metrics=asdict(metrics), warnings=warnings, **digests)


def _embed(
    project: ProjectServiceStub, job: Job, data_set: DataSet, reports: Reports
) -> tuple[DataSet, Features, list[str]]:
    features = with_feature_cache(
        Path(job.features_file),
        job.backbone.backbone_id,
        lambda cache: _features(project, job, data_set, cache, reports),
    )
    unreadable = [image.image_id for image in data_set.images if image.content_sha256 not in features]
    warnings = _warnings_of(unreadable)
    for warning in warnings:
        report_warning(reports, warning)
    readable = data_set.without(set(unreadable))
    return readable, np.stack([features[image.content_sha256] for image in readable.images]), warnings


def _features(
    project: ProjectServiceStub, job: Job, data_set: DataSet, cache: FeatureCache, reports: Reports
) -> dict[str, Features]:
    digests = [image.content_sha256 for image in data_set.images]
    known = cache.find(digests).keys()
    # One of each content: equal files have equal features.
    fresh = list({i.content_sha256: i for i in data_set.images if i.content_sha256 not in known}.values())
    seconds_after = SECONDS_TO_FINISH + SECONDS_TO_FIT_EACH * len(data_set.images) * len(data_set.labels)
    phase = PhaseReport(reports, Phase.EMBEDDING_IMAGES, len(fresh), seconds_after=seconds_after)
    if fresh:
        # The runtime takes a quarter of a second to load: a run without new images does not pay for it.
        from customvision.training.computation.embedding import embed_missing, load_embedding

        embed = load_embedding(job.backbone)
        embed_missing(project, job.project_id, fresh, embed, cache, phase.reached)
    return cache.find(digests)


def _warnings_of(unreadable: list[str]) -> list[str]:
    if not unreadable:
        return []
    named = ", ".join(unreadable[:MAX_NAMED]) + (", …" if len(unreadable) > MAX_NAMED else "")
    return [f"{len(unreadable)} images could not be read and were left out: {named}. Delete or upload them again."]


def _fit(data_set: DataSet, features: Features, reports: Reports) -> tuple[Head, float, Head]:
    # Two heads at one strength: one on all images, to be served, one without the held-out images, to be measured.
    phase = PhaseReport(reports, Phase.FITTING_HEAD, FOLDS + 2)
    truth = data_set.truth()
    learned = np.array([not image.held_out for image in data_set.images])
    part, answers = features[learned], truth[learned]
    strength = choose_strength(part, answers, multilabel=data_set.multilabel, step=_counting(phase), alive=phase.alive)
    trained_on_part = fit_head(part, answers, multilabel=data_set.multilabel, strength=strength, alive=phase.alive)
    phase.reached(FOLDS + 1)
    head = fit_head(features, truth, multilabel=data_set.multilabel, strength=strength, alive=phase.alive)
    phase.finish()
    return head, strength, trained_on_part


def _counting(phase: PhaseReport) -> Callable[[], None]:
    done = iter(range(1, FOLDS + 1))
    return lambda: phase.reached(next(done))


def _evaluate(data_set: DataSet, features: Features, head: Head, reports: Reports) -> Evaluation:
    rows = [row for row, image in enumerate(data_set.images) if image.held_out]
    phase = PhaseReport(reports, Phase.EVALUATING, len(rows))
    truth = data_set.truth()
    evaluation = Evaluation(
        image_ids=tuple(data_set.images[row].image_id for row in rows),
        tag_ids=tuple(label.tag_id for label in data_set.labels),
        tag_names=tuple(label.tag_name for label in data_set.labels),
        image_counts=tuple(int(count) for count in truth.sum(axis=0)),
        multilabel=data_set.multilabel,
        truth=truth[rows],
        probabilities=head.probabilities(features[rows]).astype(np.float32),
    )
    phase.finish()
    return evaluation


def _model(job: Job, data_set: DataSet, head: Head, strength: float, metrics: Metrics) -> ModelArtifact:
    # The metrics are those of the head that did not learn from the held-out images; the one kept here did.
    return ModelArtifact(
        backbone_id=job.backbone.backbone_id,
        backbone_sha256=job.backbone.backbone_sha256,
        preprocessing=PREPROCESSING,
        labels=data_set.labels,
        head=head,
        metrics={**asdict(metrics), "regularisation_strength": strength},
        versions={name: importlib.metadata.version(name) for name in VERSIONS},
    )


def _save(
    project: ProjectServiceStub,
    backbone: PreparedBackbone,
    model: ModelArtifact,
    evaluation: Evaluation,
    reports: Reports,
) -> dict[str, str]:
    model_bytes, evaluation_bytes = model.to_bytes(), evaluation.to_bytes()
    contents: dict[str, Callable[[], bytes]] = {
        (model_sha256 := digest_of(model_bytes)): lambda: model_bytes,
        (evaluation_sha256 := digest_of(evaluation_bytes)): lambda: evaluation_bytes,
        backbone.backbone_sha256: backbone.backbone_file.read_bytes,
        backbone.weights_sha256: backbone.weights_file.read_bytes,
    }
    missing = missing_artifacts(project, list(contents))
    phase = PhaseReport(reports, Phase.SAVING, len(missing))
    for done, digest in enumerate(missing, start=1):
        upload_artifact(project, digest, contents[digest]())
        phase.reached(done)
    return {"model_sha256": model_sha256, "evaluation_sha256": evaluation_sha256}
