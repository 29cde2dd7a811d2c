"""Training from start to end, against the real project service."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from customvision.common.keys import Keys
from customvision.v1 import artifacts_pb2, images_pb2, iterations_pb2, training_service_pb2
from customvision.vision.artifacts import BackboneArtifact, ModelArtifact
from training_suite import (
    TrainingSuite,
    colored_photos,
    computing_processes,
    phases_of,
    running_training_suite,
    settings_of_own,
)

SUCCEEDED = training_service_pb2.TRAINING_STATE_SUCCEEDED
EMBEDDING = training_service_pb2.TRAINING_PHASE_EMBEDDING_IMAGES


async def artifact(suite: TrainingSuite, sha256: str) -> bytes:
    """Returns an artifact's bytes."""
    request = artifacts_pb2.GetArtifactRequest(sha256=sha256)
    return b"".join([chunk.data async for chunk in suite.project.GetArtifact(request)])


async def lose(suite: TrainingSuite, project_id: str, image_id: str) -> None:
    """Deletes an image's file behind the project service's back."""
    request = images_pb2.GetImageRequest(project_id=project_id, image_id=image_id)
    digest = (await suite.project.GetImage(request)).content_sha256
    (file,) = (suite.settings.home / "project" / "blobs").rglob(f"*{digest[2:]}")
    file.unlink()


@dataclass(frozen=True)
class Trained:
    """A first training of 15 photos of each of three tags, with its events, and the suite that ran it."""

    suite: TrainingSuite
    tag_ids: list[str]
    events: list[training_service_pb2.TrainingEvent]
    run: training_service_pb2.TrainingRun
    iteration: iterations_pb2.Iteration


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def trained(
    tmp_path_factory: pytest.TempPathFactory, prepared_folder: Path, keys: Keys
) -> AsyncIterator[Trained]:
    """A training of which several tests look at the outcome, and change nothing."""
    settings = settings_of_own(tmp_path_factory.mktemp("trained") / "home", prepared_folder)
    async with running_training_suite(settings, keys) as suite:
        project_id, tag_ids = await suite.colored_project(per_tag=15, tags=3)
        run_id = await suite.start(project_id)
        events = await suite.events(run_id)
        run = await suite.run(run_id)
        yield Trained(suite, tag_ids, events, run, await suite.iteration(project_id, run.iteration_id))


@pytest.mark.asyncio(loop_scope="module")
async def test_run_tells_its_phases_and_ends_with_a_model(trained: Trained) -> None:
    """A run goes through its phases in order, tells metrics, and leaves a completed iteration with all artifacts."""
    suite, events, run, iteration = trained.suite, trained.events, trained.run, trained.iteration
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert events[0].state == training_service_pb2.TRAINING_STATE_QUEUED
    assert events[-1].state == SUCCEEDED
    phases = phases_of(events)
    assert list(phases) == [1, 2, 3, 4, 5, 6]
    assert all(steps[0][0] == 0 and steps[-1][0] == steps[-1][1] for steps in phases.values())
    assert phases[EMBEDDING][-1] == (45, 45)
    (metrics,) = [event.metrics for event in events if event.HasField("metrics")]
    assert metrics.held_out_image_count == 9
    assert metrics.accuracy > 0.5

    assert iteration.status == iterations_pb2.ITERATION_STATUS_COMPLETED
    assert (run.iteration_name, run.attempt, run.last_sequence) == ("Iteration 1", 1, len(events))
    assert iteration.metrics == metrics
    model = ModelArtifact.from_bytes(await artifact(suite, iteration.artifacts.model_sha256))
    assert [label.tag_id for label in model.labels] == trained.tag_ids
    assert model.backbone_id == iteration.backbone.backbone_id
    assert model.backbone_sha256 == iteration.artifacts.backbone_sha256
    backbone = BackboneArtifact.from_bytes(await artifact(suite, iteration.artifacts.backbone_sha256))
    assert backbone.backbone_id == model.backbone_id
    assert iteration.backbone.weights_sha256 == iteration.artifacts.backbone_weights_sha256


@pytest.mark.asyncio(loop_scope="module")
async def test_built_in_weights_are_owned_up_to(trained: Trained) -> None:
    """On the built-in backbone the run's events and the iteration say that there are better ones, and what to set."""
    warnings = [event.warning for event in trained.events if event.HasField("warning")]
    assert len(warnings) == 1
    assert "CUSTOMVISION_BACKBONE_WEIGHTS" in warnings[0]
    assert list(trained.iteration.warnings) == warnings
    assert trained.iteration.backbone.weights_source == iterations_pb2.WEIGHTS_SOURCE_BUILT_IN


async def test_only_new_images_are_embedded(suite: TrainingSuite) -> None:
    """After three more photos a second run embeds exactly three; with none more and force, it embeds none, and comes to
    the same model and evaluation, byte for byte."""
    project_id, tag_ids = await suite.colored_project(per_tag=10)
    await suite.events(await suite.start(project_id))
    await suite.upload(project_id, colored_photos(0, 3, first=10), tag_ids[0])
    second_id = await suite.start(project_id)
    assert phases_of(await suite.events(second_id))[EMBEDDING][-1] == (3, 3)
    third_id = await suite.start(project_id, force=True)
    assert phases_of(await suite.events(third_id))[EMBEDDING] == [(0, 0)]
    second, third = await suite.run(second_id), await suite.run(third_id)
    assert third.iteration_name == "Iteration 3"
    artifacts = [(await suite.iteration(project_id, run.iteration_id)).artifacts for run in (second, third)]
    assert artifacts[0] == artifacts[1]


async def test_request_id_starts_one_run(suite: TrainingSuite) -> None:
    """The same request id, also at the same moment, answers the same run and makes one iteration."""
    project_id, _ = await suite.colored_project(per_tag=5)
    request_id = str(uuid.uuid4())
    ids = await asyncio.gather(*[suite.start(project_id, request_id=request_id) for _ in range(5)])
    await suite.events(ids[0])
    ids.append(await suite.start(project_id, request_id=request_id.upper()))
    assert len(set(ids)) == 1
    listed = await suite.project.ListIterations(iterations_pb2.ListIterationsRequest(project_id=project_id))
    assert len(listed.iterations) == 1


async def test_runs_are_listed_and_one_computes_at_a_time(suite: TrainingSuite) -> None:
    """Runs queue up, are listed newest first, found by iteration, and never compute side by side."""
    project_id, _ = await suite.colored_project(per_tag=5)
    ids = [await suite.start(project_id, force=True) for _ in range(3)]
    most = 0
    async for _ in suite.watch(ids[-1]):
        most = max(most, len(computing_processes()))
    listed = await suite.training.ListTrainingRuns(
        training_service_pb2.ListTrainingRunsRequest(project_id=project_id, page_size=2)
    )
    assert most <= 1
    assert [run.training_run_id for run in listed.training_runs] == ids[:0:-1]
    rest = await suite.training.ListTrainingRuns(
        training_service_pb2.ListTrainingRunsRequest(
            project_id=project_id, page_size=2, page_token=listed.next_page_token
        )
    )
    assert [run.training_run_id for run in rest.training_runs] == ids[:1]
    assert not rest.next_page_token
    by_iteration = await suite.training.ListTrainingRuns(
        training_service_pb2.ListTrainingRunsRequest(iteration_id=rest.training_runs[0].iteration_id)
    )
    assert [run.training_run_id for run in by_iteration.training_runs] == ids[:1]


@pytest.mark.asyncio(loop_scope="module")
async def test_performance_at_any_threshold(trained: Trained) -> None:
    """Precision and recall follow the threshold, and the figures at 0.5 are those of the iteration."""
    suite, iteration = trained.suite, trained.iteration
    request = training_service_pb2.GetPerformanceRequest(
        project_id=iteration.project_id, iteration_id=iteration.iteration_id
    )
    default = await suite.training.GetPerformance(request)
    assert default.threshold == 0.5
    assert default.overall == iteration.metrics
    assert [tag.tag_id for tag in default.tags] == trained.tag_ids
    assert [tag.held_out_image_count for tag in default.tags] == [3, 3, 3]
    assert [tag.image_count for tag in default.tags] == [15, 15, 15]
    request.threshold = 0.0
    everything = await suite.training.GetPerformance(request)
    assert everything.overall.recall == 1.0
    assert everything.overall.precision == pytest.approx(1 / 3)


async def test_multilabel(suite: TrainingSuite) -> None:
    """Images with several tags train a model whose probabilities are independent."""
    project_id = await suite.create_project(multilabel=True)
    tag_ids = [await suite.create_tag(project_id, name) for name in ("red", "warm", "green")]
    await suite.upload(project_id, colored_photos(0, 12), tag_ids[0], tag_ids[1])
    await suite.upload(project_id, colored_photos(3, 12), tag_ids[1])
    await suite.upload(project_id, colored_photos(1, 12), tag_ids[2])
    run = await suite.finished(await suite.start(project_id))
    assert run.state == SUCCEEDED
    iteration = await suite.iteration(project_id, run.iteration_id)
    model = ModelArtifact.from_bytes(await artifact(suite, iteration.artifacts.model_sha256))
    assert model.head.multilabel
    assert [label.tag_name for label in model.labels] == ["red", "warm", "green"]
    assert iteration.metrics.accuracy > 0.6


async def test_lost_image_is_left_out_with_a_warning(suite: TrainingSuite) -> None:
    """An image whose file is lost is skipped and named, in the events and in the iteration."""
    project_id, tag_ids = await suite.colored_project(per_tag=8)
    (lost,) = await suite.upload(project_id, colored_photos(0, 1, first=50), tag_ids[0])
    await lose(suite, project_id, lost)
    run_id = await suite.start(project_id)
    warnings = [event.warning for event in await suite.events(run_id) if event.HasField("warning")]
    run = await suite.run(run_id)
    assert run.state == SUCCEEDED
    assert lost in warnings[1]
    assert list((await suite.iteration(project_id, run.iteration_id)).warnings) == warnings


async def test_too_few_readable_images_fail_the_run(suite: TrainingSuite) -> None:
    """Where a tag keeps one readable image, the run fails and names the tag."""
    project_id, tag_ids = await suite.colored_project(per_tag=8)
    few = await suite.create_tag(project_id, "few")
    ids = await suite.upload(project_id, colored_photos(2, 5), few)
    for image_id in ids[:4]:
        await lose(suite, project_id, image_id)
    run = await suite.finished(await suite.start(project_id))
    assert run.state == training_service_pb2.TRAINING_STATE_FAILED
    assert run.failure_reason == (
        "Tag 'few' has 1 readable images; training needs at least 2. Upload its images again."
    )
    failed = await suite.iteration_with(project_id, run.iteration_id, iterations_pb2.ITERATION_STATUS_FAILED)
    assert failed.failure_reason == run.failure_reason
    assert tag_ids
