"""Models that are fine-tuned: a stem that they share, and a tail of their own that makes room for others."""

import asyncio
import dataclasses

import grpc
import numpy as np
import pytest

from customvision.common.status import error_from_call
from customvision.prediction import networks
from customvision.v1 import prediction_service_pb2 as messages
from customvision.vision.artifacts import BackboneArtifact, ModelArtifact, digest_of
from models import model
from pictures import photo
from prediction.running_suite import Suite
from tuned_networks import tuned_backbone

RED = photo(1, color=(220, 40, 90))


def tuned(suite: Suite, last_layer: int, tag_names: tuple[str, ...] = ("red", "green", "blue")) -> ModelArtifact:
    """Returns a model on a fine-tuned network that the project service has."""
    return model(tag_names, backbone_data=suite.project.artifacts[add(suite, tuned_backbone(last_layer))])


def add(suite: Suite, backbone: BackboneArtifact) -> str:
    """Has the project service have a backbone."""
    return suite.project.add_artifact(backbone.to_bytes())


async def test_they_answer_with_their_own_tails(suite: Suite) -> None:
    """Each gives what its network gives as a whole, and says what it holds for itself alone."""
    for number in (1, 2):
        suite.project.publish("p", f"m{number}", str(number), tuned(suite, number))
        whole = dataclasses.replace(tuned_backbone(number), frozen_outputs=None)
        artifact = model(backbone_data=whole.to_bytes())
        add(suite, whole)
        suite.project.publish("p", f"whole{number}", f"whole {number}", artifact)
    async with suite.prediction() as prediction:
        await prediction.serving("1", "2", "whole 1", "whole 2")
        for number in (1, 2):
            answers = [await prediction.predict("p", name, RED) for name in (f"m{number}", f"whole{number}")]
            one, other = [[tag.probability for tag in answer.predictions] for answer in answers]
            assert np.abs(np.subtract(one, other)).max() < 1e-6
        models = {shown.publish_name: shown for shown in await prediction.models()}
    assert models["m1"].resident
    assert models["m1"].memory_bytes > models["whole1"].memory_bytes > 0
    assert models["m1"].HasField("last_use_time")


async def test_in_room_for_one_all_answer(suite: Suite) -> None:
    """A model whose network made room stays available, shows it, and is back for the next question."""
    suite.settings = dataclasses.replace(suite.settings, prediction_memory_bytes=1)
    for number in range(4):
        suite.project.publish("p", f"m{number}", str(number), tuned(suite, number))
    async with suite.prediction() as prediction:
        await prediction.serving("0", "1", "2", "3")
        for _ in range(2):
            answers = await asyncio.gather(*(prediction.predict("p", f"m{number}", RED) for number in range(4)))
            assert [answer.iteration_id for answer in answers] == ["0", "1", "2", "3"]
        models = await prediction.until(lambda models: [shown.resident for shown in models].count(True) == 1)
    assert {shown.state for shown in models} == {messages.MODEL_STATE_AVAILABLE}


async def test_after_a_restart_they_are_compiled_when_they_are_asked(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was verified before a restart is available at once, and only what fits is made ready before it is asked."""
    suite.settings = dataclasses.replace(suite.settings, prediction_memory_bytes=1)
    for number in range(4):
        suite.project.publish("p", f"m{number}", str(number), tuned(suite, number))
    remembered = suite.settings.home / "prediction" / "published.json"
    async with suite.prediction() as prediction:
        await prediction.serving("0", "1", "2", "3")
        await prediction.until(lambda _: remembered.exists() and remembered.read_text().count('"answered"') == 4)
    await suite.stop_project()
    compiled: list[str] = []
    compile_network = networks.Networks._compiled

    def note(self: networks.Networks, data: bytes) -> object:
        compiled.append(digest_of(data))
        return compile_network(self, data)

    monkeypatch.setattr(networks.Networks, "_compiled", note)
    async with suite.prediction() as prediction:
        await prediction.serving("0", "1", "2", "3")
        assert (await prediction.predict("p", "m3", RED)).iteration_id == "3"
        await prediction.serving("0", "1", "2", "3")
    # The first that fits, perhaps, and the one that was asked.
    assert digest_of(tuned_backbone(3).to_bytes()) in compiled
    assert len(compiled) <= 2


async def test_a_network_that_cannot_come_back_takes_its_model_out_of_service(suite: Suite) -> None:
    """Damage that is found when a network shall come back is told to the caller and shown."""
    suite.settings = dataclasses.replace(suite.settings, prediction_memory_bytes=1)
    for number in (1, 2):
        suite.project.publish("p", f"m{number}", str(number), tuned(suite, number))
    first = digest_of(tuned_backbone(1).to_bytes())
    async with suite.prediction() as prediction:
        await prediction.serving("1", "2")
        await prediction.predict("p", "m2", RED)
        await prediction.until(lambda models: not models[0].resident)
        (suite.settings.home / "prediction" / "artifacts" / first).write_bytes(b"rotten")
        suite.project.truncated.add(first)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await prediction.predict("p", "m1", RED)
        assert error_from_call(raised.value, service="prediction").reason == "MODEL_DAMAGED"
        lost, kept = await prediction.models()
        assert (lost.state, lost.serving_iteration_id) == (messages.MODEL_STATE_FAILED, "")
        assert "does not match its digest" in lost.failure_reason
        assert (await prediction.predict("p", "m2", RED)).iteration_id == kept.serving_iteration_id == "2"


@pytest.mark.parametrize("names", [("nothing:0",), ("pixels",)])
async def test_a_network_that_cannot_be_parted_is_refused(suite: Suite, names: tuple[str, ...]) -> None:
    """A backbone that names outputs which it does not have fails its model with a sentence."""
    backbone = dataclasses.replace(tuned_backbone(1), frozen_outputs=names)
    digest = add(suite, backbone)
    artifact = model(backbone_data=suite.project.artifacts[digest])
    suite.project.publish("p", "m", "i", artifact)
    async with suite.prediction() as prediction:
        (shown,) = await prediction.until(
            lambda models: bool(models) and models[0].state == messages.MODEL_STATE_FAILED
        )
    assert "no output" in shown.failure_reason
