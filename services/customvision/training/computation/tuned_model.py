"""The fine-tuned model, where it does better on the held-out images than the quick one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.children.child import Reports
from customvision.training.computation.calibration import Calibration, Truth, calibrate
from customvision.training.computation.fine_tuning.cross_calibration import cross_calibrated
from customvision.training.computation.fine_tuning.photos import Photos, fetch_photos
from customvision.training.computation.finishing import Network
from customvision.training.computation.inner_products import Matrix
from customvision.training.computation.job import Job, TrainingImpossible
from customvision.training.computation.material import Material, warnings_of_unreadable
from customvision.training.computation.phases import PhaseReport, report_warning
from customvision.training.computation.quick_model import QuickModel, evaluation_of
from customvision.training.evaluation.performance import Evaluation
from customvision.training.runs.run import Phase
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub
from customvision.vision.artifacts import BackboneArtifact
from customvision.vision.head import Head

if TYPE_CHECKING:
    # TensorFlow takes seconds to load: what fails before it is needed does not wait for it.
    from customvision.training.computation.fine_tuning.fine_tuner import Repeats, Trial

# Held-out images below which chance decides what does better.
FEWEST_TO_JUDGE = 10
# TensorFlow and the first step alone take most of this.
FEWEST_SECONDS = 15.0
CHECKED_IMAGES, TOLERANCE = 8, 5e-3
# Steps in which the phase is told, and those of them for downloading; epochs are told besides.
PARTS, PARTS_OF_DOWNLOAD = 100, 30
NO_TIME = (
    "The training's budget left no time to fine-tune the network; the quick model is the result. "
    "Give a longer training_budget."
)
TOO_MANY = (
    "Too little of the training's budget, or of memory, was left to look at so many photos in several views; the quick "
    "model is the result. Give a longer training_budget, or train with fewer photos."
)
DIVERGED = "Fine-tuning diverged, its loss became no number; the quick model is the result."
NOT_BETTER = "Fine-tuning did not do better on photos left out than the quick model, which is the result."


class NotFineTuned(Exception):
    """The quick model is the result; the message says why in a sentence for the run's user."""


@dataclass(frozen=True)
class Tuned:
    """A fine-tuned model that does better than the quick one, and the images that it was made from."""

    material: Material
    network: Network
    head: Head
    evaluation: Evaluation
    settings: dict[str, float]


def fine_tuned_model(
    project: ProjectServiceStub,
    job: Job,
    material: Material,
    quick: QuickModel,
    reports: Reports,
    seconds_left: Callable[[], float],
) -> Tuned:
    """Returns the fine-tuned model. Raises NotFineTuned where the quick one is the result, and TrainingImpossible."""
    held_out = int((~material.learned).sum())
    if held_out < FEWEST_TO_JUDGE:
        are = "image that is" if held_out == 1 else "images that are"
        raise NotFineTuned(
            f"With {held_out} {are} held out, nothing can tell whether fine-tuning does better; the quick model is the "
            f"result. Add photos until {FEWEST_TO_JUDGE} are held out, a fifth of all."
        )
    _check_time(seconds_left)
    phase = PhaseReport(reports, Phase.FINE_TUNING, PARTS)

    def fetched(share: float) -> None:
        phase.reached(int(share * PARTS_OF_DOWNLOAD))
        _check_time(seconds_left)

    def looked(share: float) -> None:
        phase.reached(PARTS_OF_DOWNLOAD + int(share * (PARTS - 1 - PARTS_OF_DOWNLOAD)))

    try:
        material, quick, photos = _with_photos(project, job, material, quick, fetched, reports)
        return _tuned(job, material, photos, quick, reports, seconds_left, looked)
    finally:
        phase.finish()


def _check_time(seconds_left: Callable[[], float]) -> None:
    if seconds_left() < FEWEST_SECONDS:
        raise NotFineTuned(NO_TIME)


def _tuned(
    job: Job,
    material: Material,
    photos: Photos,
    quick: QuickModel,
    reports: Reports,
    seconds_left: Callable[[], float],
    looked: Callable[[float], None],
) -> Tuned:
    from customvision.training.computation.fine_tuning.activations import TooManyPhotos
    from customvision.training.computation.fine_tuning.course import Diverged
    from customvision.training.computation.fine_tuning.fine_tuner import FineTuner
    from customvision.training.computation.fine_tuning.verdict import folds_to_repeat_on, head_without, winning_mix

    folder = Path(job.checkpoint_folder)
    folds = folds_to_repeat_on(material, quick)
    tuner = FineTuner(job.backbone.weights_file, material, photos, folds, folder, reports, seconds_left)
    try:
        tuner.look(quick.measured.head, looked)
        trial = tuner.trial(quick.measured.head)
        repeats = tuner.repeats(lambda fold: head_without(fold, material, quick), trial)
        mix = winning_mix(trial, repeats, material, quick)
        if mix is None:
            raise NotFineTuned(NOT_BETTER)
        network = tuner.for_good(quick.served.head, trial, mix)
    except Diverged:
        raise NotFineTuned(DIVERGED) from None
    except TooManyPhotos:
        raise NotFineTuned(TOO_MANY) from None
    calibration = _calibration(trial, repeats, mix, material)
    head = _calibrated_head(*network.head(), calibration)
    weights_file = folder / "tuned.weights.h5"
    network.save_backbone(weights_file)
    backbone = _prepared(weights_file, folder / "backbones", job.backbone)
    pixels = photos.as_served(list(range(min(CHECKED_IMAGES, len(photos.files)))))
    _check_parity(backbone, head, pixels, calibration.probabilities(network.logits_of_pixels(pixels)))
    settings = {"fine_tuning_epochs": float(trial.epochs), "fine_tuning_mix": mix}
    evaluation = _evaluation(trial.mixes[mix].logits, material)
    return Tuned(material, replace(Network.of_backbone(backbone), fine_tuned=True), head, evaluation, settings)


def _calibration(trial: Trial, repeats: Repeats, mix: float, material: Material) -> Calibration:
    """Returns the calibration by all that networks so fine-tuned said of images that they had not seen."""
    truth, logits = _held_out_truth(material), trial.mixes[mix].logits
    if len(repeats.rows):
        truth = np.concatenate([truth, material.data_set.truth()[repeats.rows]])
        logits = np.concatenate([logits, repeats.logits[mix]])
    return calibrate(logits, truth, multilabel=material.data_set.multilabel)


def _calibrated_head(weights: np.ndarray, bias: np.ndarray, calibration: Calibration) -> Head:
    slopes, offsets = calibration.slopes, calibration.offsets
    return Head(
        (weights * slopes).astype(np.float32), (bias * slopes + offsets).astype(np.float32), calibration.multilabel
    )


def _held_out_truth(material: Material) -> Truth:
    return material.data_set.truth()[~material.learned]


def _evaluation(logits: Matrix, material: Material) -> Evaluation:
    truth, multilabel = _held_out_truth(material), material.data_set.multilabel
    tags = truth.shape[1]
    as_they_are = Calibration(np.ones(tags), np.zeros(tags), multilabel)
    return evaluation_of(
        material,
        probabilities=cross_calibrated(logits, truth, multilabel=multilabel).astype(np.float32),
        before_calibration=as_they_are.probabilities(logits).astype(np.float32),
        cross_validation=None,
    )


def _with_photos(
    project: ProjectServiceStub,
    job: Job,
    material: Material,
    quick: QuickModel,
    reached: Callable[[float], None],
    reports: Reports,
) -> tuple[Material, QuickModel, Photos]:
    """Returns material and folds of the images whose photos are there, and these; one gone meanwhile is in none."""
    size = BackboneArtifact.from_bytes(job.backbone.backbone_file.read_bytes()).input_size
    folder = Path(job.checkpoint_folder) / "photos"
    photos = fetch_photos(project, job.project_id, material.data_set.images, size, folder, reached)
    missing = photos.missing
    if not missing:
        return material, quick, photos
    kept = np.setdiff1d(np.arange(len(photos.files)), missing)
    gone = [material.data_set.images[row].image_id for row in missing]
    # What the quick model learned from them it knows from their features.
    warnings = warnings_of_unreadable(gone)
    for warning in warnings:
        report_warning(reports, warning)
    try:
        data_set = material.data_set.without(set(gone))
    except TrainingImpossible as error:
        raise NotFineTuned(f"The quick model is the result: {error}") from error
    smaller = replace(
        material,
        data_set=data_set,
        features=material.features[kept],
        groups=material.groups[kept],
        warnings=[*material.warnings, *warnings],
    )
    return smaller, quick.of_those(kept, material), replace(photos, files=tuple(photos.files[row] for row in kept))


def _prepared(weights_file: Path, folder: Path, like: PreparedBackbone) -> PreparedBackbone:
    from customvision.training.computation.fine_tuning.tuned_backbone import prepare_backbone

    try:
        return prepare_backbone(weights_file, folder, like)
    except TrainingImpossible as error:
        raise NotFineTuned(f"The quick model is the result. {error}") from error


def _check_parity(backbone: PreparedBackbone, head: Head, pixels: np.ndarray, expected: np.ndarray) -> None:
    """Raises NotFineTuned where the network answers otherwise once it is made ready to run."""
    from customvision.vision.trunk import Trunk

    artifact = BackboneArtifact.from_bytes(backbone.backbone_file.read_bytes())
    with tempfile.TemporaryDirectory() as folder:
        trunk = Trunk.load(*artifact.write_model(Path(folder)))
    served = head.probabilities(np.stack([trunk.embed(picture) for picture in pixels]))
    difference = float(np.abs(served - expected).max())
    if not difference <= TOLERANCE:
        raise NotFineTuned(
            f"The fine-tuned network answers otherwise once it is ready to run, by {difference:.3f}; the quick model "
            "is the result."
        )
