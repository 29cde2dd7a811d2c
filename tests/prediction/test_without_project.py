"""What prediction does while the project service is away, and across restarts."""

import json
import threading
from collections.abc import Collection
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from customvision.common.errors import ConfigurationError
from customvision.common.status import error_from_call
from customvision.prediction import published_models
from customvision.prediction.remembered_models import RememberedModel, write_remembered
from customvision.prediction.wiring import open_prediction_service
from customvision.v1 import prediction_service_pb2 as messages
from models import model
from pictures import photo
from prediction.running_suite import PATIENCE_SECONDS, Suite

RED = photo(1, color=(220, 40, 90))


async def test_goes_on_serving_while_project_is_away_and_catches_up(suite: Suite) -> None:
    """What was loaded answers, health stays SERVING, and what changed meanwhile is found after the return."""
    suite.project.publish("p", "kept", "i1", model())
    suite.project.publish("p", "dropped", "i2", model())
    async with suite.prediction() as prediction:
        await prediction.serving("i1", "i2")
        await suite.stop_project()
        assert (await prediction.predict("p", "dropped", RED)).iteration_id == "i2"
        health = await health_pb2_grpc.HealthStub(prediction.channel).Check(health_pb2.HealthCheckRequest())
        assert health.status == health_pb2.HealthCheckResponse.SERVING
        suite.project.unpublish("p", "dropped")
        suite.project.publish("p", "new", "i3", model(("x", "y")))
        await suite.start_project()
        await prediction.serving("i1", "i3")


async def test_a_watch_that_dies_is_taken_up_again(suite: Suite) -> None:
    """Ten ended watches later prediction follows still."""
    async with suite.prediction() as prediction:
        for number in range(10):
            suite.project.end_watches()
            suite.project.publish("p", "m", str(number), model((str(number), "other")))
            await prediction.serving(str(number))


async def test_restarts_from_its_cache_without_project(suite: Suite) -> None:
    """After a restart the models of the last run answer although project is away, and nothing is fetched."""
    suite.project.publish("p", "m", "i", model())
    async with suite.prediction() as prediction:
        await prediction.serving("i")
        listed = suite.settings.home / "prediction" / "published.json"
        await prediction.until(lambda _: listed.exists() and "m" in listed.read_text())
    await suite.stop_project()
    suite.project.fetched.clear()
    async with suite.prediction() as prediction:
        assert (await prediction.predict("p", "m", RED)).iteration_id == "i"
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await prediction.predict("p", "unknown", RED)
    assert suite.project.fetched == []
    assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
    assert error_from_call(raised.value, service="prediction").metadata


async def test_a_damaged_cache_is_fetched_again(suite: Suite) -> None:
    """Bytes on the disk are verified whenever they are read, and so is the list of what is published."""
    digest = suite.project.publish("p", "m", "i", model())
    async with suite.prediction() as prediction:
        await prediction.serving("i")
    folder = suite.settings.home / "prediction"
    (folder / "artifacts" / digest).write_bytes(b"rotten")
    (folder / "published.json").write_text('{"format_version": 1, "models": [{}]}')
    suite.project.fetched.clear()
    async with suite.prediction() as prediction:
        assert (await prediction.predict("p", "m", RED)).iteration_id == "i"
    assert suite.project.fetched == [digest]


async def test_artifacts_that_nothing_needs_are_removed(suite: Suite) -> None:
    """The cache holds what is published and no more."""
    first = suite.project.publish("p", "m", "i1", model())
    async with suite.prediction() as prediction:
        await prediction.serving("i1")
        second = suite.project.publish("p", "m", "i2", model(("x", "y")))
        await prediction.serving("i2")
        folder = suite.settings.home / "prediction"
        await prediction.until(lambda _: not (folder / "artifacts" / first).exists())
        kept = {path.name for path in (folder / "artifacts").iterdir()}
        assert kept == {second, model().backbone_sha256}
        listed = json.loads((folder / "published.json").read_text())["models"]
    assert [entry["iteration_id"] for entry in listed] == ["i2"]


async def test_a_restart_serves_the_older_model_while_the_newer_cannot_be_loaded(suite: Suite) -> None:
    """What answered keeps its files and answers after each restart, until a sound iteration takes its place."""
    old = suite.project.publish("p", "m", "old", model())
    folder = suite.settings.home / "prediction"
    async with suite.prediction() as prediction:
        await prediction.serving("old")
        damaged = suite.project.add_artifact(b"not an artifact")
        suite.project.publish("p", "m", "bad", model_sha256=damaged, backbone_sha256=model().backbone_sha256)
        listed = folder / "published.json"
        await prediction.until(lambda _: listed.exists() and "bad" in listed.read_text())
    for _ in range(2):
        async with suite.prediction() as prediction:
            (shown,) = await prediction.until(lambda models: models[0].state == messages.MODEL_STATE_FAILED)
            assert (shown.iteration_id, shown.serving_iteration_id) == ("bad", "old")
            assert (await prediction.predict("p", "m", RED)).iteration_id == "old"
        await suite.stop_project()
    await suite.start_project()
    async with suite.prediction() as prediction:
        suite.project.publish("p", "m", "next", model(("x", "y")))
        await prediction.serving("next")
        await prediction.until(lambda _: not (folder / "artifacts" / old).exists())
        assert "old" not in (folder / "published.json").read_text()


async def test_what_is_published_while_the_list_is_written_stays(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """An artifact that arrives between two lists is not taken for one that nothing needs."""
    loaded = threading.Event()

    def write_slowly(path: Path, models: Collection[RememberedModel]) -> None:
        assert loaded.wait(PATIENCE_SECONDS)
        write_remembered(path, models)

    monkeypatch.setattr(published_models, "write_remembered", write_slowly)
    suite.project.publish("p", "first", "i1", model())
    folder = suite.settings.home / "prediction"
    async with suite.prediction() as prediction:
        await prediction.serving("i1")
        second = suite.project.publish("p", "second", "i2", model(("x", "y")))
        await prediction.serving("i1", "i2")
        loaded.set()
        # The list is written again only once the removal that followed the first one is over.
        await prediction.until(
            lambda _: (folder / "published.json").exists() and "i2" in (folder / "published.json").read_text()
        )
        assert (folder / "artifacts" / second).exists()


async def test_one_backbone_is_fetched_once_for_many_models_and_goes_with_the_last(suite: Suite) -> None:
    """Fifty models of one backbone fetch it once; when all are gone its memory is free again."""
    for number in range(50):
        suite.project.publish("p", f"m{number:02}", str(number), model((str(number), "other")))
    async with suite.prediction() as prediction:
        await prediction.serving(*(str(number) for number in range(50)))
        assert suite.project.fetched.count(model().backbone_sha256) == 1
        await prediction.predict("p", "m00", RED)
        for number in range(50):
            suite.project.unpublish("p", f"m{number:02}")
        await prediction.serving()
        suite.project.publish("p", "again", "again", model())
        await prediction.serving("again")
        models = await prediction.models()
    assert [m.state for m in models] == [messages.MODEL_STATE_AVAILABLE]


async def test_two_services_do_not_share_a_home(suite: Suite) -> None:
    """The second one is refused in a sentence that names the folder."""
    async with suite.prediction():
        with pytest.raises(ConfigurationError, match="serve prediction"):
            async with open_prediction_service(suite.settings, suite.keys):
                pass


async def test_leaves_no_threads_behind(suite: Suite) -> None:
    """A closed service has ended its threads."""
    suite.project.publish("p", "m", "i", model())
    async with suite.prediction() as prediction:
        await prediction.predict("p", "m", RED)
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name.startswith(("predict", "load"))]
