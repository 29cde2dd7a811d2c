"""Advanced training: the quick model first, then the network itself, fine-tuned within a budget of time.

A linear head first, fine-tuning from it afterwards, keeps what the frozen features are worth (Kumar et al.,
"Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution", 2022).
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from customvision.common.channel import CALL_SECONDS
from customvision.training.backbones.weights_file import read_shape, write_notes
from customvision.training.children.child import Reports
from customvision.training.computation.finishing import Network, finish
from customvision.training.computation.job import Job
from customvision.training.computation.material import gather_material
from customvision.training.computation.phases import report_warning
from customvision.training.computation.project_calls import patiently
from customvision.training.computation.quick_model import fit_quick_model
from customvision.training.computation.tuned_model import NotFineTuned, fine_tuned_model
from customvision.v1 import artifacts_pb2
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub

# What is kept of a budget for making the network ready to run and handing it over.
SECONDS_TO_FINISH, MOST_TO_FINISH = 25.0, 0.3
FLATTERED = (
    "The network that this training begins with may have learned from photos that are held out now, so the figures "
    "flatter the model. Measure it on photos of your own that no training has seen: customvision iterations evaluate."
)


def train(project: ProjectServiceStub, job: Job, reports: Reports) -> None:
    """Trains the job's iteration, hands its artifacts over and reports ``result``. Raises TrainingImpossible."""
    domains_backbone, job = job.backbone, on_base(project, job)
    material = gather_material(project, job, reports)
    if job.backbone.backbone_id != domains_backbone.backbone_id:
        report_warning(reports, FLATTERED)
        material = replace(material, warnings=[*material.warnings, FLATTERED])
    quick = fit_quick_model(material, reports)
    try:
        tuned = fine_tuned_model(project, job, material, quick, reports, _seconds_left(job))
    except NotFineTuned as error:
        report_warning(reports, str(error))
        material = replace(material, warnings=[*material.warnings, str(error)])
        settings = {"regularisation_strength": quick.served.strength}
        backbone = Network.of_backbone(job.backbone)
        finish(project, material, backbone, quick.served.head, quick.evaluation(material), reports, settings=settings)
    else:
        finish(project, tuned.material, tuned.network, tuned.head, tuned.evaluation, reports, settings=tuned.settings)


def _seconds_left(job: Job) -> Callable[[], float]:
    kept = min(SECONDS_TO_FINISH, MOST_TO_FINISH * job.budget_seconds)
    return lambda: max(1.0, job.budget_seconds - kept - (time.monotonic() - job.started_at))


def on_base(project: ProjectServiceStub, job: Job) -> Job:
    """Returns the job with the network of its base iteration, where it has one, in place of the domain's backbone."""
    if job.base is None:
        return job
    from customvision.training.computation.fine_tuning.tuned_backbone import prepare_backbone

    folder = Path(job.checkpoint_folder)
    folder.mkdir(parents=True, exist_ok=True)
    weights_file = folder / "base.weights.h5"
    request = artifacts_pb2.GetArtifactRequest(sha256=job.base.backbone_weights_sha256)
    weights_file.write_bytes(
        patiently(lambda: b"".join(chunk.data for chunk in project.GetArtifact(request, timeout=10 * CALL_SECONDS)))
    )
    # An older version may have taken other features from the network; only the network is begun with.
    shape = read_shape(weights_file)
    write_notes(weights_file, input_size=shape.input_size, features=shape.features_today)
    return replace(job, backbone=prepare_backbone(weights_file, folder / "backbones", job.backbone))
