"""Answers that are kept in the project."""

import asyncio

import pytest

from customvision.common.errors import NotFound, Unavailable
from customvision.prediction import stored_predictions
from customvision.prediction.publication import ModelName, PublishedModel
from customvision.prediction.stored_predictions import PredictionRecord, StoredPredictions
from models import model
from pictures import photo
from prediction.running_suite import PATIENCE_SECONDS, Suite

RED = photo(1, color=(220, 40, 90))


def record(number: int, size: int = 10) -> PredictionRecord:
    """Returns a record of an image of ``size`` bytes."""
    return PredictionRecord(str(number), PublishedModel(ModelName("p", "m"), "i", "", ""), bytes(size), ())


async def until(condition: object) -> None:
    """Waits until ``condition()`` holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.01)


async def test_a_stored_answer_reaches_the_project(suite: Suite) -> None:
    """Image and answer arrive under the id that the caller was given; without store nothing does."""
    suite.project.publish("p", "m", "i", model())
    async with suite.prediction() as prediction:
        assert (await prediction.predict("p", "m", RED)).prediction_id == ""
        answer = await prediction.predict("p", "m", RED, store=True)
        await until(lambda: suite.project.recorded)
    (kept,) = suite.project.recorded
    assert kept.prediction_id == answer.prediction_id != ""
    assert (kept.project_id, kept.publish_name, kept.iteration_id, kept.image_data) == ("p", "m", "i", RED)
    assert kept.predictions == answer.predictions


async def test_storing_never_makes_a_prediction_wait_or_fail(suite: Suite) -> None:
    """While the project service does not take records, answers come all the same; later they all arrive, once."""
    suite.project.publish("p", "m", "i", model())
    suite.project.recording.clear()
    async with suite.prediction() as prediction:
        answers = [await prediction.predict("p", "m", RED, store=True) for _ in range(10)]
        assert suite.project.recorded == []
        suite.project.recording.set()
        await until(lambda: len(suite.project.recorded) == 10)
    assert {kept.prediction_id for kept in suite.project.recorded} == {answer.prediction_id for answer in answers}


async def test_draining_sends_what_is_queued(suite: Suite) -> None:
    """An orderly stop keeps what was promised."""
    suite.project.publish("p", "m", "i", model())
    async with suite.prediction() as prediction:
        for _ in range(5):
            await prediction.predict("p", "m", RED, store=True)
    assert len(suite.project.recorded) == 5


async def test_a_full_queue_drops_and_counts() -> None:
    """Past its limits in number or bytes the queue refuses at once."""
    blocked = asyncio.Event()

    async def wait(_: PredictionRecord) -> None:
        await blocked.wait()

    stored = StoredPredictions(wait, max_queued=3)
    assert [stored.offer(record(number)) for number in range(5)] == [True, True, True, False, False]
    assert stored.dropped.total() == 2
    blocked.set()
    await stored.close()
    large = StoredPredictions(wait)
    assert [large.offer(record(0, 48 * 2**20)), large.offer(record(1, 48 * 2**20))] == [True, False]
    await large.close()


async def test_unavailable_is_tried_again_and_a_refusal_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A project that is away gets the record later; one that was deleted does not hold up the others."""
    monkeypatch.setattr(stored_predictions, "FIRST_PAUSE_SECONDS", 0.01)
    attempts: list[str] = []

    async def refuse(kept: PredictionRecord) -> None:
        attempts.append(kept.prediction_id)
        if kept.prediction_id == "0":
            raise NotFound("The project is gone.")
        if attempts.count(kept.prediction_id) < 3:
            raise Unavailable("away")

    stored = StoredPredictions(refuse)
    assert all(stored.offer(record(number)) for number in range(2))
    await stored.close()
    assert sorted(attempts) == ["0", "1", "1", "1"]
    assert stored.dropped.total() == 1


async def test_the_end_does_not_wait_for_a_project_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be sent within the time allowed is dropped and counted, those on their way included."""
    monkeypatch.setattr(stored_predictions, "FLUSH_SECONDS", 0.05)

    async def hang(_: PredictionRecord) -> None:
        await asyncio.Event().wait()

    stored = StoredPredictions(hang)
    for number in range(10):
        stored.offer(record(number))
    await asyncio.wait_for(stored.close(), PATIENCE_SECONDS)
    assert stored.dropped.total() == 10
