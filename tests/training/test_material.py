"""What a training learns from: which images, which views of them, and which are held out."""

import asyncio
import io
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from PIL import Image

from customvision.common.channel import open_blocking_channel
from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.training.backbones.nuisances import NO_NUISANCES, Nuisances
from customvision.training.backbones.preparation import BackbonePreparation
from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.children.child import Reports
from customvision.training.computation.fine_tuning.verdict import head_without
from customvision.training.computation.head_fit import Examples, refit_head
from customvision.training.computation.job import Job, TrainingImpossible
from customvision.training.computation.material import NOTHING_MEASURED, Material, gather_material
from customvision.training.computation.quick_model import fit_quick_model
from customvision.v1 import images_pb2, iterations_pb2
from customvision.v1.project_service_pb2_grpc import ProjectServiceStub
from training_suite import TrainingSuite, colored_photos


class Told(Reports):
    """Keeps what a child would tell its parent."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.embedded: list[int] = []

    def send(self, kind: str, **fields: Any) -> None:
        """Keeps warnings, and how many images were embedded."""
        if kind == "warned":
            self.warnings.append(fields["message"])
        elif fields.get("phase") == "embedding_images":
            self.embedded.append(fields["done"])


@dataclass
class Training:
    """A project service, and what a run's process would do beside it."""

    suite: TrainingSuite
    backbone: PreparedBackbone
    told: Told = field(default_factory=Told)

    async def material(self, project_id: str) -> Material:
        """Freezes the project's data set and gathers what to learn from."""
        request = iterations_pb2.CreateIterationRequest(project_id=project_id, force=True)
        iteration = await self.suite.project.CreateIteration(request)
        job = Job(
            training_run_id="run",
            project_id=project_id,
            iteration_id=iteration.iteration_id,
            backbone=self.backbone,
            features_file=str(self.suite.settings.home / "features.sqlite"),
            project_address=self.suite.settings.project_address,
            training_key=self.suite.keys.training_key,
        )
        self.told = Told()

        def gather() -> Material:
            with open_blocking_channel(job.project_address, self.suite.keys) as channel:
                return gather_material(ProjectServiceStub(channel), job, self.told)

        return await asyncio.to_thread(gather)

    async def lose(self, project_id: str, image_id: str) -> None:
        """Deletes an image's file behind the project service's back."""
        request = images_pb2.GetImageRequest(project_id=project_id, image_id=image_id)
        digest = (await self.suite.project.GetImage(request)).content_sha256
        (file,) = (self.suite.settings.home / "project" / "blobs").rglob(f"*{digest[2:]}")
        file.unlink()


@pytest.fixture
async def training(prepared_settings: Settings, keys: Keys) -> AsyncIterator[Training]:
    """A project service and the built-in backbone."""
    suite = TrainingSuite(prepared_settings, keys)
    await suite.start_project()
    try:
        yield Training(suite, await BackbonePreparation(prepared_settings).backbone())
    finally:
        await suite.stop_project()


def scene(seed: int, *, quality: int = 90, side: int = 96) -> bytes:
    """Returns a photo of a scene of coarse fields, which looks like no other scene and like itself at any quality."""
    fields = np.random.default_rng(seed).integers(0, 256, (8, 9, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(fields).resize((side, side), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


async def test_images_are_seen_from_several_sides(training: Training) -> None:
    """Few images get four views, whose features have length 1 per depth and differ; what is known is not made again."""
    project_id, tag_ids = await training.suite.colored_project(per_tag=6)
    material = await training.material(project_id)
    assert material.features.shape[:2] == (12, 4)
    assert material.features.dtype == np.float32
    # The means of six depths and the spreads of five, each of length 1, to the precision of float16.
    assert np.linalg.norm(material.features, axis=2) == pytest.approx(11**0.5, abs=2e-3)
    assert np.ptp(material.features, axis=1).max(axis=1).min() > 1e-3
    assert training.told.embedded[-1] == 12
    again = await training.material(project_id)
    assert again.features.tobytes() == material.features.tobytes()
    assert training.told.embedded == [0]
    await training.suite.upload(project_id, colored_photos(0, 40, first=6), tag_ids[0])
    more = await training.material(project_id)
    assert more.features.shape[:2] == (52, 2)
    assert training.told.embedded[-1] == 40
    assert more.features[:12].tobytes() == np.ascontiguousarray(material.features[:, :2]).tobytes()


async def test_heads_are_fitted_with_the_nuisances_of_the_backbone(training: Training) -> None:
    """Both heads of a quick model, and the one that a fold is left out of, have learned on lessened features."""
    project_id, _ = await training.suite.colored_project(per_tag=20)
    material = await training.material(project_id)
    quick = fit_quick_model(material, training.told)
    known, truth = Nuisances.load(training.backbone.nuisances_file), material.data_set.truth()
    assert known.levels
    learned = np.flatnonzero(material.learned)
    fold = learned[:3]
    without = np.setdiff1d(learned, fold)
    heads = [
        (quick.measured.head, learned),
        (quick.served.head, np.arange(len(truth))),
        (head_without(fold, material, quick), without),
    ]
    for head, images in heads:
        features = material.features[images]
        wanted, other = (
            refit_head(Examples.of(features, truth[images], nuisances), quick.measured).head.weights
            for nuisances in (known, NO_NUISANCES)
        )
        largest = float(np.abs(wanted).max())
        assert head.weights == pytest.approx(wanted, abs=1e-3 * largest)
        assert np.abs(head.weights - other).max() > 0.05 * largest


async def test_lost_images_are_left_out_whatever_is_known_of_them(training: Training) -> None:
    """An image whose file is lost is left out with a warning, unless all views that are wanted are known."""
    project_id, tag_ids = await training.suite.colored_project(per_tag=8)
    (lost,) = await training.suite.upload(project_id, colored_photos(0, 1, first=50), tag_ids[0])
    await training.material(project_id)
    await training.lose(project_id, lost)
    assert len((await training.material(project_id)).features) == 17
    assert training.told.warnings == []
    with sqlite3.connect(training.suite.settings.home / "features.sqlite") as cache:
        cache.execute("DELETE FROM view_features WHERE view = 3")
    material = await training.material(project_id)
    (warning,) = training.told.warnings
    assert warning.startswith(f"1 image could not be read and was left out: {lost}.")
    assert material.warnings == [warning]
    assert lost not in [image.image_id for image in material.data_set.images]
    assert len(material.features) == len(material.groups) == len(material.data_set.images) == 16


async def test_a_tag_that_loses_its_images_ends_the_training(training: Training) -> None:
    """Where a tag keeps fewer than two readable images, the training is impossible and the tag named."""
    project_id, _ = await training.suite.colored_project(per_tag=8)
    few = await training.suite.create_tag(project_id, "few")
    for image_id in (await training.suite.upload(project_id, colored_photos(2, 5), few))[:4]:
        await training.lose(project_id, image_id)
    with pytest.raises(TrainingImpossible, match="Tag 'few' has 1 readable images"):
        await training.material(project_id)


@pytest.mark.parametrize("multilabel", [False, True])
async def test_near_duplicates_stay_on_one_side(training: Training, multilabel: bool) -> None:
    """Photos saved again at another quality or size are of one group and never parted by holding out."""
    project_id = await training.suite.create_project(multilabel=multilabel)
    for tag in range(2):
        tag_id = await training.suite.create_tag(project_id, f"tag {tag}")
        for seed in range(100 * tag, 100 * tag + 10):
            copies = [scene(seed), scene(seed, quality=60), scene(seed, side=80)]
            await training.suite.upload(project_id, copies, tag_id)
    material = await training.material(project_id)
    held_out = ~material.learned
    assert held_out.any()
    assert material.groups.tolist() == np.repeat(np.arange(0, 60, 3), 3).tolist()
    assert (held_out.reshape(20, 3) == held_out[::3, None]).all()
    evaluation = fit_quick_model(material, training.told).evaluation(material)
    # Scenes have nothing to do with their tags: only copies on both sides could tell.
    accuracy = (evaluation.probabilities.argmax(axis=1) == evaluation.truth.argmax(axis=1)).mean()
    assert accuracy <= 0.85
    assert training.told.warnings == []


async def test_a_tag_of_one_scene_is_not_measured_and_told(training: Training) -> None:
    """A tag whose photos all look the same is learned, none of it is held out, and a warning says so."""
    project_id, _ = await training.suite.colored_project(per_tag=10)
    same = await training.suite.create_tag(project_id, "one scene")
    await training.suite.upload(project_id, [scene(7, quality=quality) for quality in range(60, 95, 5)], same)
    material = await training.material(project_id)
    assert material.warnings == training.told.warnings
    (warning,) = material.warnings
    assert warning.startswith("Nothing measures how the model does on 'one scene': too few of its images differ")
    model = fit_quick_model(material, training.told)
    carries = material.data_set.truth()[:, 2] == 1
    assert material.learned[carries].all()
    served = model.served.head.probabilities(material.features[:, 0])
    assert (served[carries].argmax(axis=1) == 2).all()
    assert model.evaluation(material).truth[:, 2].sum() == 0
    assert np.isfinite(model.evaluation(material).probabilities).all()


async def test_a_tag_that_is_held_out_for_the_most_part_is_told(training: Training) -> None:
    """Where most photos of a tag look like one that is held out, a warning says what the figures are worth."""
    project_id, _ = await training.suite.colored_project(per_tag=10)
    tag_id = await training.suite.create_tag(project_id, "one scene")
    learned = [*(scene(1, quality=quality) for quality in range(70, 95, 5)), scene(2)]
    held_out = [scene(7, quality=quality) for quality in range(60, 95, 5)]
    await training.suite.upload(project_id, [*learned, *held_out], tag_id)
    material = await training.material(project_id)
    assert material.learned[20:].tolist() == [True] * 6 + [False] * 7
    (warning,) = material.warnings
    assert warning.startswith("Most images of 'one scene' look alike and are held out")


async def test_a_project_of_few_scenes_has_no_figures_at_all(training: Training) -> None:
    """Where every tag's photos look the same, neither held-out photos nor folds flatter it, and a warning says so."""
    project_id = await training.suite.create_project()
    for tag in range(3):
        tag_id = await training.suite.create_tag(project_id, f"scene {tag}")
        await training.suite.upload(project_id, [scene(tag, quality=quality) for quality in range(60, 95, 5)], tag_id)
    material = await training.material(project_id)
    assert material.warnings == training.told.warnings == [NOTHING_MEASURED]
    model = fit_quick_model(material, training.told)
    performance = model.evaluation(material).performance()
    assert performance.overall.held_out_image_count == 0
    assert performance.cross_validation is None
    served = model.served.head.probabilities(material.features[:, 0])
    assert (served.argmax(axis=1) == material.data_set.truth().argmax(axis=1)).all()
