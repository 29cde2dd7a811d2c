"""The backbone of the next training, and which published models would gain from it."""

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.training.backbones.architectures import DEFAULT, Architecture, architecture_of
from customvision.training.backbones.backbone_review import BackboneReview, CurrentBackbone, Renewed
from customvision.training.backbones.domains import Domains
from customvision.training.backbones.preparation import BackbonePreparation, BackboneUnavailable
from customvision.training.backbones.prepared import PreparedBackbone
from customvision.training.backbones.sources import BUILT_IN
from customvision.training.backbones.weights_file import write_notes
from customvision.training.iterations import Iterations, weights_source_of
from customvision.v1 import iterations_pb2, training_service_pb2
from training_suite import TrainingSuite

OTHER_DOMAIN = "8f1c"
OTHER = architecture_of("mobilenet_v3_small_1.0_224")


class Preparation(BackbonePreparation):
    """A preparation whose outcome is given: a backbone, none yet, or a reason why there is none."""

    def __init__(self, outcome: PreparedBackbone | str | None) -> None:
        self._given = outcome
        self.started: list[Architecture] = []

    def start(self, architecture: Architecture = DEFAULT) -> None:
        """Remembers what was asked for."""
        self.started.append(architecture)

    def outcome(self, architecture: Architecture = DEFAULT) -> PreparedBackbone | None:  # noqa: ARG002
        """Returns what was given, or raises BackboneUnavailable."""
        if isinstance(self._given, str):
            raise BackboneUnavailable(self._given)
        return self._given


class Completed(Iterations):
    """A project with these completed iterations."""

    def __init__(self, *iterations: iterations_pb2.Iteration) -> None:
        self._iterations = iterations

    async def completed(self, _: str) -> list[iterations_pb2.Iteration]:
        """Returns the iterations."""
        return list(self._iterations)


class TwoDomains(Domains):
    """The default domain, and another one; the project is of ``domain_id``."""

    def __init__(self, domain_id: str = "") -> None:
        self._domain_id = domain_id

    async def architecture(self, domain_id: str) -> Architecture:
        """Returns the domain's network."""
        return OTHER if domain_id == OTHER_DOMAIN else DEFAULT

    async def architecture_of_project(self, _: str) -> Architecture:
        """Returns the network of the project's domain."""
        return await self.architecture(self._domain_id)


def prepared(backbone_id: str, source: str) -> PreparedBackbone:
    """Returns a prepared backbone without files."""
    return PreparedBackbone(backbone_id, "mobilenet_v2_1.0_224", source, "a" * 64, "b" * 64, "/nowhere")


def iteration(
    number: int, backbone_id: str, source: str, *, published: str = "", **fields: Any
) -> iterations_pb2.Iteration:
    """Returns a completed iteration that rests on the backbone given."""
    backbone = iterations_pb2.Backbone(backbone_id=backbone_id, weights_source=weights_source_of(source))
    return iterations_pb2.Iteration(
        iteration_id=f"id {number}", number=number, publish_name=published, backbone=backbone, **fields
    )


async def review(
    outcome: PreparedBackbone | str | None, used: str = "old", source: str = "built_in"
) -> CurrentBackbone:
    """Returns what is said of a project whose published model rests on ``used``."""
    return await review_of(outcome, iteration(1, used, source, published="production"))


async def review_of(
    outcome: PreparedBackbone | str | None, *iterations: iterations_pb2.Iteration, domain_id: str = ""
) -> CurrentBackbone:
    """Returns what is said of a project of that domain with these iterations, newest first."""
    reviewer = BackboneReview(Preparation(outcome), Completed(*iterations), TwoDomains(domain_id))
    return await reviewer.of_project("project")


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


async def test_models_of_another_domain_are_let_be() -> None:
    """A model of another network than the project's domain calls for now is not offered to be trained again."""
    old = iteration(1, "old", "built_in", published="production", domain_id=OTHER_DOMAIN)
    assert not (await review_of(prepared("new", "path"), old)).improvable
    assert (await review_of(prepared("new", "path"), old, domain_id=OTHER_DOMAIN)).improvable == (old,)


async def test_each_domain_has_a_backbone_of_its_own() -> None:
    """A domain's backbone, and a project's by its domain, is made ready when it is asked for."""
    preparation = Preparation(None)
    await BackboneReview(preparation, Completed(), TwoDomains()).of_domain(OTHER_DOMAIN)
    await BackboneReview(preparation, Completed(), TwoDomains()).of_domain("")
    await BackboneReview(preparation, Completed(), TwoDomains(OTHER_DOMAIN)).of_project("project")
    assert preparation.started == [OTHER, DEFAULT, OTHER]


async def test_better_iteration_is_told_after_a_roll_back() -> None:
    """Who published an older iteration again is told of the newer one on the backbone that there is, not to train."""
    now = prepared("new", "path")
    newer, old = iteration(2, "new", "path"), iteration(1, "old", "built_in", published="production")
    told = await review_of(now, newer, old)
    assert (told.improvable, told.renewed) == ((), (Renewed(old, newer),))
    # The newest is told, also where its network is its own.
    tuned = iteration(3, "tuned", "path", fine_tuned=True)
    assert (await review_of(now, tuned, newer, old)).renewed == (Renewed(old, tuned),)


@pytest.mark.parametrize(
    "other",
    [
        iteration(2, "older", "built_in"),
        iteration(2, "new", "path", published="staging"),
        iteration(2, "new", "path", domain_id=OTHER_DOMAIN),
    ],
    ids=["no better", "under a name of its own", "of another domain"],
)
async def test_other_iterations_do_not_renew(other: iterations_pb2.Iteration) -> None:
    """An iteration that is no better, has a name of its own, or is of another domain does not take the place."""
    old = iteration(1, "old", "built_in", published="production")
    told = await review_of(prepared("new", "path"), other, old)
    assert (told.improvable, told.renewed) == ((old,), ())


async def test_an_older_iteration_does_not_renew() -> None:
    """Where the newest model rests on less accurate weights than an older one, training again is what helps."""
    newest, older = iteration(2, "old", "built_in", published="production"), iteration(1, "new", "path")
    assert (await review_of(prepared("new", "path"), newest, older)).improvable == (newest,)


async def test_fine_tuned_networks_are_no_older_backbones() -> None:
    """A network that was fine-tuned from the built-in backbone gains from ImageNet weights, not from its own origin."""
    tuned = iteration(1, "tuned", "built_in", published="production", fine_tuned=True)
    assert not (await review_of(prepared("now", "built_in"), tuned)).improvable
    assert (await review_of(prepared("now", "path"), tuned)).improvable == (tuned,)


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
        assert after.backbone.architecture == "mobilenet_v2_0.5_96"
        assert not after.warning
        newer = await suite.finished(await suite.start(project_id))
        renewed = await suite.training.GetBackbone(request)
        assert not renewed.improvable_iterations
        assert renewed.renewed_iterations == [
            training_service_pb2.RenewedIteration(
                published=offered,
                newer_iteration_id=newer.iteration_id,
                newer_iteration_name=newer.iteration_name,
                newer_backbone=after.backbone,
            )
        ]
    finally:
        await suite.stop_training()
        await suite.stop_project()
