"""The backbone of the next training, and which published models would gain from it."""

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.training.backbone_review import BackboneReview, CurrentBackbone
from customvision.training.backbones.preparation import BackbonePreparation, BackboneUnavailable
from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.backbones.sources import BUILT_IN
from customvision.training.backbones.weights_file import write_notes
from customvision.training.iterations import Iterations, weights_source_of
from customvision.v1 import iterations_pb2, training_service_pb2
from training_suite import TrainingSuite


class Preparation(BackbonePreparation):
    """A preparation whose outcome is given: a backbone, none yet, or a reason why there is none."""

    def __init__(self, outcome: PreparedBackbone | str | None) -> None:
        self._given = outcome

    def outcome(self) -> PreparedBackbone | None:
        """Returns what was given, or raises BackboneUnavailable."""
        if isinstance(self._given, str):
            raise BackboneUnavailable(self._given)
        return self._given


class Published(Iterations):
    """A project with one published iteration that rests on the backbone given."""

    def __init__(self, backbone_id: str, source: str) -> None:
        backbone = iterations_pb2.Backbone(backbone_id=backbone_id, weights_source=weights_source_of(source))
        self._iteration = iterations_pb2.Iteration(iteration_id="i", publish_name="production", backbone=backbone)

    async def published(self, project_id: str) -> list[iterations_pb2.Iteration]:
        """Returns the iteration."""
        return [self._iteration] if project_id else []


def prepared(backbone_id: str, source: str) -> PreparedBackbone:
    """Returns a prepared backbone without files."""
    return PreparedBackbone(backbone_id, "mobilenet_v2_1.0_224", source, "a" * 64, "b" * 64, "/nowhere")


async def review(
    outcome: PreparedBackbone | str | None, used: str = "old", source: str = "built_in"
) -> CurrentBackbone:
    """Returns what is said of a project whose model rests on ``used``."""
    return await BackboneReview(Preparation(outcome), Published(used, source)).current("project")


@pytest.mark.parametrize(
    ("used", "now", "improves"),
    [
        ("built_in", "path", True),
        ("built_in", "data_folder", True),
        ("built_in", "keras_download", True),
        ("random", "built_in", True),
        ("random", "path", True),
        ("built_in", "built_in", True),
        ("path", "built_in", False),
        ("keras_download", "built_in", False),
        ("path", "data_folder", False),
    ],
)
async def test_better_weights_are_told(used: str, now: str, improves: bool) -> None:
    """A model gains from weights of a better kind and from a newer built-in backbone, from no others."""
    assert bool((await review(prepared("new", now), "old", used)).improvable) is improves


async def test_same_backbone_improves_nothing() -> None:
    """A model that rests on the very backbone that there is has nothing to gain."""
    assert not (await review(prepared("same", "built_in"), "same", "built_in")).improvable


async def test_no_backbone_improves_nothing() -> None:
    """While the backbone is being made ready, and where none can be, nothing is offered; the reason is told."""
    assert await review(None) == CurrentBackbone(None)
    assert await review("No disk.") == CurrentBackbone(None, "No disk.")


async def test_projects_must_exist(suite: TrainingSuite) -> None:
    """Asking for a project that is not there is an error, not an empty answer."""
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await suite.training.GetBackbone(training_service_pb2.GetBackboneRequest(project_id="gone"))
    assert error.value.code() is grpc.StatusCode.NOT_FOUND


async def test_better_weights_are_offered_after_a_restart(
    prepared_settings: Settings, keys: Keys, tmp_path: Path
) -> None:
    """A model on the built-in backbone is offered to be trained again once the user has brought a weights file."""
    suite = TrainingSuite(prepared_settings, keys)
    await suite.start_project()
    await suite.start_training()
    try:
        project_id, _ = await suite.colored_project(per_tag=5)
        run = await suite.finished(await suite.start(project_id))
        await suite.project.PublishIteration(
            iterations_pb2.PublishIterationRequest(
                project_id=project_id, iteration_id=run.iteration_id, publish_name="production"
            )
        )
        request = training_service_pb2.GetBackboneRequest(project_id=project_id)
        before = await suite.training.GetBackbone(request)
        assert before.backbone == (await suite.iteration(project_id, run.iteration_id)).backbone
        assert before.backbone.weights_source == iterations_pb2.WEIGHTS_SOURCE_BUILT_IN
        assert "CUSTOMVISION_BACKBONE_WEIGHTS" in before.warning
        assert not before.improvable_iterations
        await suite.stop_training()
        own = Path(shutil.copy(BUILT_IN, tmp_path / "own.weights.h5"))
        write_notes(own, input_size=96)
        suite.settings = replace(suite.settings, backbone_weights=own)
        await suite.start_training()
        async with asyncio.timeout(60):
            while not (after := await suite.training.GetBackbone(request)).HasField("backbone"):
                await asyncio.sleep(0.05)
        [offered] = after.improvable_iterations
        assert (offered.iteration_id, offered.publish_name) == (run.iteration_id, "production")
        assert offered.backbone == before.backbone
        assert after.backbone.weights_source == iterations_pb2.WEIGHTS_SOURCE_PATH
        assert after.backbone.architecture == "mobilenet_v2_0.5_96_inner"
        assert not after.warning
    finally:
        await suite.stop_training()
        await suite.stop_project()
