"""The end of a training: the figures, the artifacts handed to the project service, the result."""

import importlib.metadata
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.children.child import Reports
from customvision.training.computation.material import Material
from customvision.training.computation.phases import PhaseReport, report_metrics
from customvision.training.computation.saving import missing_artifacts, upload_artifact
from customvision.training.evaluation.performance import Evaluation
from customvision.training.runs.run import Phase
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub
from customvision.vision.artifacts import ModelArtifact, digest_of
from customvision.vision.decoding import PREPROCESSING
from customvision.vision.head import Head

VERSIONS = ("customvision", "numpy", "openvino", "pillow")


@dataclass(frozen=True)
class Network:
    """What a head stands on: its identity, and the files and digests of its two artifacts."""

    backbone_id: str
    architecture: str
    backbone_sha256: str
    weights_sha256: str
    backbone_file: Path
    weights_file: Path
    fine_tuned: bool = False

    @classmethod
    def of_backbone(cls, backbone: PreparedBackbone) -> "Network":
        """Returns the backbone as the network of a quick model."""
        return cls(
            backbone.backbone_id,
            backbone.architecture,
            backbone.backbone_sha256,
            backbone.weights_sha256,
            backbone.backbone_file,
            backbone.weights_file,
        )


def finish(
    project: ProjectServiceStub,
    material: Material,
    network: Network,
    head: Head,
    evaluation: Evaluation,
    reports: Reports,
    *,
    settings: Mapping[str, float],
) -> None:
    """Tells the figures, hands the artifacts over and reports ``result``. ``settings`` are kept with the model."""
    evaluating = PhaseReport(reports, Phase.EVALUATING, len(evaluation.image_ids))
    metrics = evaluation.performance().overall
    evaluating.finish()
    report_metrics(reports, metrics)
    # The metrics are those of the head that did not learn from the held-out images; the one kept here may have.
    model = ModelArtifact(
        backbone_id=network.backbone_id,
        backbone_sha256=network.backbone_sha256,
        preprocessing=PREPROCESSING,
        labels=material.data_set.labels,
        head=head,
        metrics={**asdict(metrics), **settings},
        versions={name: importlib.metadata.version(name) for name in VERSIONS},
    )
    digests = _save(project, network, model.to_bytes(), evaluation.to_bytes(), reports)
    reports.send(
        "result",
        metrics=asdict(metrics),
        warnings=material.warnings,
        fine_tuned=network.fine_tuned,
        backbone_id=network.backbone_id,
        architecture=network.architecture,
        backbone_sha256=network.backbone_sha256,
        backbone_weights_sha256=network.weights_sha256,
        **digests,
    )


def _save(
    project: ProjectServiceStub, network: Network, model: bytes, evaluation: bytes, reports: Reports
) -> dict[str, str]:
    digests = {"model_sha256": digest_of(model), "evaluation_sha256": digest_of(evaluation)}
    contents: dict[str, Callable[[], bytes]] = {
        digests["model_sha256"]: lambda: model,
        digests["evaluation_sha256"]: lambda: evaluation,
        network.backbone_sha256: network.backbone_file.read_bytes,
        network.weights_sha256: network.weights_file.read_bytes,
    }
    missing = missing_artifacts(project, list(contents))
    phase = PhaseReport(reports, Phase.SAVING, len(missing))
    for done, digest in enumerate(missing, start=1):
        upload_artifact(project, digest, contents[digest]())
        phase.reached(done)
    return digests
