"""Advanced training: the quick model first, then the network itself, fine-tuned within a budget of time.

A linear head first, fine-tuning from it afterwards, keeps what the frozen features are worth (Kumar et al.,
"Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution", 2022).
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from customvision.common.channel import CALL_SECONDS
from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.child import Reports
from customvision.training.computation.calibration import Calibration, calibrate, log_loss
from customvision.training.computation.fine_tuning.photos import Photos, fetch_photos
from customvision.training.computation.finishing import Network, finish
from customvision.training.computation.job import Job, TrainingImpossible
from customvision.training.computation.material import Material, gather_material
from customvision.training.computation.phases import PhaseReport, report_warning
from customvision.training.computation.project_calls import patiently
from customvision.training.computation.quick_model import QuickModel, evaluation_of, fit_quick_model
from customvision.training.performance import Evaluation
from customvision.training.run import Phase
from customvision.v1 import artifacts_pb2
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub
from customvision.vision.artifacts import BackboneArtifact
from customvision.vision.head import Head

# What is kept of a budget for making the network ready to run and handing it over.
SECONDS_TO_FINISH, MOST_TO_FINISH = 25.0, 0.3
# From the start of the process on: until this file is read, Python was loading.
_STARTED = time.monotonic() - 1.0
# Held-out images below which chance decides what does better.
FEWEST_TO_JUDGE = 10
CHECKED_IMAGES, TOLERANCE = 8, 5e-3
# Steps in which the phase of fine-tuning is told; its epochs are told besides.
PARTS = 100
KEPT_QUICK = "Fine-tuning did not do better on the held-out images than the quick model, which is the result."


@dataclass(frozen=True)
class Tuned:
    """A fine-tuned model that does better than the quick one."""

    network: Network
    head: Head
    evaluation: Evaluation
    settings: dict[str, float]


def train(project: ProjectServiceStub, job: Job, reports: Reports) -> None:
    """Trains the job's iteration, hands its artifacts over and reports ``result``. Raises TrainingImpossible."""
    job = _on_base(project, job)
    folder = Path(job.checkpoint_folder)
    material, photos = _with_photos(project, job, gather_material(project, job, reports), folder / "photos")
    quick = fit_quick_model(material, reports)
    tuned = _tuned(job, material, photos, quick, reports)
    if isinstance(tuned, Tuned):
        finish(project, material, tuned.network, tuned.head, tuned.evaluation, reports, settings=tuned.settings)
        return
    report_warning(reports, tuned)
    material = replace(material, warnings=[*material.warnings, tuned])
    settings = {"regularisation_strength": quick.served.strength}
    backbone = Network.of_backbone(job.backbone)
    finish(project, material, backbone, quick.served.head, quick.evaluation(material), reports, settings=settings)


def _tuned(job: Job, material: Material, photos: Photos, quick: QuickModel, reports: Reports) -> Tuned | str:
    """Returns the fine-tuned model, or a sentence why the quick one is the result."""
    held_out = int((~material.learned).sum())
    if held_out < FEWEST_TO_JUDGE:
        return (
            f"With {held_out} held-out images nothing can tell whether fine-tuning does better; the quick model is "
            f"the result. Add photos until {FEWEST_TO_JUDGE} are held out, a fifth of all."
        )
    # TensorFlow takes seconds to load: what fails before need not wait for it.
    from customvision.training.computation.fine_tuning.course import Diverged
    from customvision.training.computation.fine_tuning.fine_tuner import FineTuner

    seconds = _seconds_left(job)
    tuner = FineTuner(job.backbone.weights_file, material, photos, Path(job.checkpoint_folder), reports)
    phase = PhaseReport(reports, Phase.FINE_TUNING, PARTS)
    tuner.look(quick.measured.head, seconds, lambda share: phase.reached(int(share * (PARTS - 1))))
    try:
        trial = tuner.trial(quick.measured.head, seconds)
        calibration = _calibration(trial.logits, material)
        evaluation = _evaluation(trial.logits, calibration, material)
        if _loss(evaluation) >= _loss(quick.evaluation(material)):
            phase.finish()
            return KEPT_QUICK
        network = tuner.for_good(quick.served.head, trial, seconds)
    except Diverged:
        return "Fine-tuning diverged, its loss became no number; the quick model is the result."
    weights_file = Path(job.checkpoint_folder) / "tuned.weights.h5"
    network.save_backbone(weights_file)
    weights, bias = network.head()
    slopes = calibration.slopes
    head = Head(
        (weights * slopes).astype(np.float32),
        (bias * slopes + calibration.offsets).astype(np.float32),
        calibration.multilabel,
    )
    backbone = _prepared(weights_file, job)
    pixels = photos.as_served(list(range(min(CHECKED_IMAGES, len(photos.files)))))
    _check_parity(backbone, head, pixels, calibration.probabilities(network.logits_of_pixels(pixels)))
    phase.finish()
    settings = {"fine_tuning_epochs": float(trial.epochs), "fine_tuning_mix": trial.mix}
    return Tuned(replace(Network.of_backbone(backbone), fine_tuned=True), head, evaluation, settings)


def _seconds_left(job: Job) -> Callable[[], float]:
    kept = min(SECONDS_TO_FINISH, MOST_TO_FINISH * job.budget_seconds)
    return lambda: max(1.0, job.budget_seconds - kept - (time.monotonic() - _STARTED))


def _calibration(logits: np.ndarray, material: Material) -> Calibration:
    truth = material.data_set.truth()[~material.learned]
    return calibrate(logits, truth, multilabel=material.data_set.multilabel)


def _evaluation(logits: np.ndarray, calibration: Calibration, material: Material) -> Evaluation:
    uncalibrated = Calibration(
        np.ones_like(calibration.slopes), np.zeros_like(calibration.offsets), calibration.multilabel
    )
    return evaluation_of(
        material,
        probabilities=calibration.probabilities(logits).astype(np.float32),
        before_calibration=uncalibrated.probabilities(logits).astype(np.float32),
        cross_validation=None,
    )


def _loss(evaluation: Evaluation) -> float:
    # A few dozen images tell models apart by how sure they are sooner than by how often they are right.
    return log_loss(evaluation.probabilities.astype(np.float64), evaluation.truth, multilabel=evaluation.multilabel)


def _with_photos(project: ProjectServiceStub, job: Job, material: Material, folder: Path) -> tuple[Material, Photos]:
    """Returns the material and the photos of its images; an image whose photo is gone meanwhile is in neither."""
    size = _input_size(job.backbone)
    photos = fetch_photos(project, job.project_id, material.data_set.images, size, folder)
    missing = photos.missing
    if not missing:
        return material, photos
    kept = np.setdiff1d(np.arange(len(photos.files)), missing)
    gone = {material.data_set.images[row].image_id for row in missing}
    smaller = replace(
        material,
        data_set=material.data_set.without(gone),
        features=material.features[kept],
        groups=material.groups[kept],
    )
    return smaller, replace(photos, files=tuple(photos.files[row] for row in kept))


def _input_size(backbone: PreparedBackbone) -> int:
    return BackboneArtifact.from_bytes(backbone.backbone_file.read_bytes()).input_size


def _on_base(project: ProjectServiceStub, job: Job) -> Job:
    """Returns the job with the network of its base iteration, where it has one, in place of the domain's backbone."""
    if job.base is None:
        return job
    folder = Path(job.checkpoint_folder)
    folder.mkdir(parents=True, exist_ok=True)
    weights_file = folder / "base.weights.h5"
    request = artifacts_pb2.GetArtifactRequest(sha256=job.base.backbone_weights_sha256)
    weights_file.write_bytes(
        patiently(lambda: b"".join(chunk.data for chunk in project.GetArtifact(request, timeout=10 * CALL_SECONDS)))
    )
    return replace(job, backbone=_prepared(weights_file, job))


def _prepared(weights_file: Path, job: Job) -> PreparedBackbone:
    from customvision.training.computation.fine_tuning.tuned_backbone import prepare_backbone

    return prepare_backbone(weights_file, Path(job.checkpoint_folder) / "backbones", job.backbone)


def _check_parity(backbone: PreparedBackbone, head: Head, pixels: np.ndarray, expected: np.ndarray) -> None:
    """Raises TrainingImpossible where the network answers otherwise once it is made ready to run."""
    from customvision.vision.trunk import Trunk

    artifact = BackboneArtifact.from_bytes(backbone.backbone_file.read_bytes())
    with tempfile.TemporaryDirectory() as folder:
        trunk = Trunk.load(*artifact.write_model(Path(folder)))
    served = head.probabilities(np.stack([trunk.embed(picture) for picture in pixels]))
    difference = float(np.abs(served - expected).max())
    if not difference <= TOLERANCE:
        raise TrainingImpossible(
            f"The fine-tuned network answers otherwise once it is ready to run, by {difference:.3f}. Train quickly."
        )
