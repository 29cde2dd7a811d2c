"""Models that cannot be loaded."""

import dataclasses

import grpc
import numpy as np
import pytest

from customvision.common.errors import ServiceError
from customvision.common.status import error_from_call
from customvision.prediction import served_model
from customvision.v1 import prediction_service_pb2 as messages
from customvision.vision.head import Head
from models import backbone, model
from pictures import photo
from prediction.running_suite import Prediction, Suite

RED = photo(1, color=(220, 40, 90))


async def failure_of(prediction: Prediction, publish_name: str) -> ServiceError:
    """Returns the error that asking the model ends with, once it has failed to load."""
    await prediction.until(
        lambda models: {m.publish_name: m.state for m in models}.get(publish_name) == messages.MODEL_STATE_FAILED
    )
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await prediction.predict("p", publish_name, RED)
    return error_from_call(raised.value, service="prediction")


async def test_a_truncated_artifact_fails_alone_and_says_why(suite: Suite) -> None:
    """Bytes that do not match their digest are never used; other models are none the worse."""
    suite.project.truncated.add(suite.project.publish("p", "bad", "i1", model(("a", "b"))))
    suite.project.publish("p", "good", "i2", model())
    async with suite.prediction() as prediction:
        error = await failure_of(prediction, "bad")
        assert (await prediction.predict("p", "good", RED)).iteration_id == "i2"
        bad, _ = await prediction.models()
    assert error.reason == "MODEL_DAMAGED"
    assert "does not match its digest" in error.message
    assert "does not match its digest" in bad.failure_reason


def _not_finite() -> Head:
    head = model().head
    return dataclasses.replace(head, bias=np.full_like(head.bias, np.nan))


DAMAGED = {
    "no artifact": (b"not an artifact", "not an artifact"),
    "cut off": (model(("cut", "off")).to_bytes()[:-30], "not an artifact"),
    "not finite": (dataclasses.replace(model(), head=_not_finite()).to_bytes(), "not finite"),
    "class count": (dataclasses.replace(model(), labels=model().labels[:2]).to_bytes(), "does not fit its 2 labels"),
}


@pytest.mark.parametrize("kind", DAMAGED)
async def test_a_damaged_newer_model_leaves_the_older_one_answering(suite: Suite, kind: str) -> None:
    """A failed load says why and changes nothing for callers; publishing a sound iteration heals the name."""
    data, words = DAMAGED[kind]
    suite.project.publish("p", "m", "old", model())
    async with suite.prediction() as prediction:
        await prediction.serving("old")
        damaged = suite.project.add_artifact(data)
        suite.project.publish("p", "m", "bad", model_sha256=damaged, backbone_sha256=model().backbone_sha256)
        (shown,) = await prediction.until(lambda models: models[0].state == messages.MODEL_STATE_FAILED)
        assert (shown.iteration_id, shown.serving_iteration_id) == ("bad", "old")
        assert words in shown.failure_reason
        assert (await prediction.predict("p", "m", RED)).iteration_id == "old"
        suite.project.publish("p", "m", "next", model(("x", "y")))
        await prediction.serving("next")


def _without_features() -> Head:
    return Head(np.zeros((3, 3), np.float32), np.zeros(3, np.float32), multilabel=False)


@pytest.mark.parametrize(
    ("artifact", "words"),
    [
        (model(preprocessing="crop-1"), "Train the project again"),
        (dataclasses.replace(model(), backbone_sha256="0" * 64), "rests on the backbone"),
        (dataclasses.replace(model(), head=_without_features()), "expects 3 features"),
    ],
    ids=["preprocessing", "other backbone", "other feature count"],
)
async def test_a_model_that_does_not_fit_is_refused(suite: Suite, artifact: object, words: str) -> None:
    """A model for other preprocessing or another backbone would answer nonsense, so it does not answer."""
    digest = suite.project.add_artifact(artifact.to_bytes())  # type: ignore[attr-defined]
    suite.project.publish("p", "m", "i", model_sha256=digest, backbone_sha256=model().backbone_sha256)
    async with suite.prediction() as prediction:
        error = await failure_of(prediction, "m")
    assert error.reason == "MODEL_DAMAGED"
    assert words in error.message


@pytest.mark.parametrize(
    "changes",
    [{"feature_count": 5}, {"xml": b"<net>"}, {"weights": b""}, {"preprocessing": "crop-1"}],
    ids=["feature count", "xml", "weights", "preprocessing"],
)
async def test_a_damaged_backbone_is_refused(suite: Suite, changes: dict[str, object]) -> None:
    """A backbone that OpenVINO cannot read, or that is not as its manifest says, fails its models with a sentence."""
    data = dataclasses.replace(backbone(), **changes).to_bytes()  # type: ignore[arg-type]
    digest = suite.project.add_artifact(data)
    suite.project.publish("p", "m", "i", model(backbone_data=data), backbone_sha256=digest)
    async with suite.prediction() as prediction:
        assert (await failure_of(prediction, "m")).reason == "MODEL_DAMAGED"


async def test_a_missing_artifact_and_a_hostile_digest_are_refused(suite: Suite) -> None:
    """A digest that project does not hold, or that is a path, fails that model only."""
    suite.project.publish("p", "gone", "i1", model_sha256="0" * 64, backbone_sha256=model().backbone_sha256)
    suite.project.publish("p", "path", "i2", model_sha256="../published.json", backbone_sha256="")
    async with suite.prediction() as prediction:
        assert (await failure_of(prediction, "gone")).reason == "MODEL_DAMAGED"
        assert "not the SHA-256" in (await failure_of(prediction, "path")).message
    assert "../published.json" not in suite.project.fetched


async def test_a_load_that_the_network_failed_is_tried_again(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be fetched is loading still, with the reason, and heals by itself."""
    monkeypatch.setattr(served_model, "FIRST_PAUSE_SECONDS", 0.05)
    digest = suite.project.publish("p", "m", "i", model())
    suite.project.away.add(digest)
    async with suite.prediction() as prediction:
        (shown,) = await prediction.until(lambda models: bool(models) and bool(models[0].failure_reason))
        assert shown.state == messages.MODEL_STATE_LOADING
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await prediction.predict("p", "m", RED)
        assert error_from_call(raised.value, service="prediction").reason == "MODEL_NOT_FETCHED"
        suite.project.away.clear()
        await prediction.serving("i")
