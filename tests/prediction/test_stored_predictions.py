"""Answers that are kept in the project."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import grpc
import pytest
import structlog

from customvision.common.errors import Internal, NotFound, ResourceExhausted, ServiceError, Unavailable
from customvision.prediction import stored_predictions
from customvision.prediction.publication import ModelName, PublishedModel
from customvision.prediction.stored_predictions import (
    MAX_BATCH,
    MAX_BATCH_BYTES,
    DropReason,
    PredictionRecord,
    StoredPredictions,
)
from models import model
from pictures import photo
from prediction.running_suite import PATIENCE_SECONDS, Suite

Records = Sequence[PredictionRecord]
Outcomes = Sequence[ServiceError | None]
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


async def test_what_has_gathered_travels_together(suite: Suite) -> None:
    """While the project service is slow, answers gather, and then go in fewer calls than there are answers."""
    suite.project.publish("p", "m", "i", model())
    suite.project.recording.clear()
    async with suite.prediction() as prediction:
        for _ in range(10):
            await prediction.predict("p", "m", RED, store=True)
        suite.project.recording.set()
        await until(lambda: len(suite.project.recorded) == 10)
    assert sum(suite.project.batches) == 10 > len(suite.project.batches)


async def test_one_that_is_refused_goes_alone(suite: Suite) -> None:
    """A project that was deleted loses its own answers only, without another try."""
    suite.project.publish("p", "m", "i", model())
    suite.project.publish("gone", "m", "i", model())
    suite.project.refused["gone"] = grpc.StatusCode.NOT_FOUND
    async with suite.prediction() as prediction:
        for project_id in ("p", "gone", "p"):
            await prediction.predict(project_id, "m", RED, store=True)
    assert [kept.project_id for kept in suite.project.recorded] == ["p", "p"]
    assert sum(suite.project.batches) == 3


@pytest.mark.parametrize("refusal", [None, grpc.StatusCode.NOT_FOUND])
async def test_an_older_project_service_is_served_one_by_one(suite: Suite, refusal: grpc.StatusCode | None) -> None:
    """Where it knows no batches, each answer is sent alone; one that is refused does not hold up the others."""
    suite.project.batched = False
    if refusal is not None:
        suite.project.refused["gone"] = refusal
    suite.project.publish("p", "m", "i", model())
    suite.project.publish("gone", "m", "i", model())
    async with suite.prediction() as prediction:
        for project_id in ("gone", "p", "p"):
            await prediction.predict(project_id, "m", RED, store=True)
    kept = [prediction.project_id for prediction in suite.project.recorded]
    assert sorted(kept) == (["p", "p"] if refusal else ["gone", "p", "p"])
    assert suite.project.recorded[-1].image_data == RED


async def test_a_full_queue_drops_and_counts() -> None:
    """Past its limits in number or bytes the queue refuses at once."""
    blocked = asyncio.Event()

    async def wait(records: Records) -> Outcomes:
        await blocked.wait()
        return [None] * len(records)

    stored = StoredPredictions(wait, max_queued=3)
    assert [stored.offer(record(number)) for number in range(5)] == [True, True, True, False, False]
    assert (stored.queued_count, stored.unsent_count, stored.dropped) == (3, 3, {DropReason.QUEUE_FULL: 2})
    blocked.set()
    await stored.close()
    assert (stored.sent_count, stored.unsent_count, stored.unsent_bytes) == (3, 0, 0)
    large = StoredPredictions(wait)
    assert [large.offer(record(0, 48 * 2**20)), large.offer(record(1, 48 * 2**20))] == [True, False]
    await large.close()


async def test_a_call_carries_a_bounded_batch() -> None:
    """At most so many records and so many bytes go together, one that is larger alone, in the order they came."""
    calls: list[list[str]] = []

    async def keep(records: Records) -> Outcomes:
        calls.append([it.prediction_id for it in records])
        return [None] * len(records)

    stored = StoredPredictions(keep)
    for number in range(MAX_BATCH + 1):
        stored.offer(record(number))
    for number, size in enumerate([MAX_BATCH_BYTES - 20, 5, MAX_BATCH_BYTES + 1, 5], start=MAX_BATCH + 1):
        stored.offer(record(number, size))
    await stored.close()
    numbers = [str(number) for number in range(MAX_BATCH + 5)]
    assert calls == [numbers[:64], numbers[64:67], numbers[67:68], numbers[68:]]


async def test_unavailable_is_tried_again_and_a_refusal_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that cannot be kept yet is sent again, one whose project was deleted is dropped, each alone."""
    monkeypatch.setattr(stored_predictions, "FIRST_PAUSE_SECONDS", 0.01)
    attempts: Counter[str] = Counter()

    def answer(it: PredictionRecord) -> ServiceError | None:
        attempts[it.prediction_id] += 1
        if it.prediction_id == "0":
            return NotFound("The project is gone.")
        return Unavailable("away") if it.prediction_id == "1" and attempts["1"] < 3 else None

    async def keep(records: Records) -> Outcomes:
        return [answer(it) for it in records]

    stored = StoredPredictions(keep)
    assert all(stored.offer(record(number)) for number in range(3))
    await stored.close()
    assert attempts == {"0": 1, "1": 3, "2": 1}
    assert (stored.sent_count, stored.dropped) == (2, {DropReason.REFUSED: 1})


async def test_a_call_that_fails_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the project service is away or its disk is full, nothing is dropped, and all arrives when it is back."""
    monkeypatch.setattr(stored_predictions, "FIRST_PAUSE_SECONDS", 0.01)
    failures: list[ServiceError] = [Unavailable("away"), ResourceExhausted("full"), Unavailable("away")]
    arrived: list[str] = []

    async def keep(records: Records) -> Outcomes:
        if failures:
            raise failures.pop()
        arrived.extend(it.prediction_id for it in records)
        return [None] * len(records)

    stored = StoredPredictions(keep)
    for number in range(10):
        stored.offer(record(number))
    await stored.close()
    assert sorted(arrived, key=int) == [str(number) for number in range(10)]
    assert (stored.sent_count, stored.dropped) == (10, {})


@pytest.mark.parametrize("failure", [Internal("The project service failed."), ZeroDivisionError()])
async def test_a_record_that_breaks_its_call_is_dropped_alone(failure: Exception) -> None:
    """What fails with one record among others is asked again without it, until that one is found."""
    arrived: list[str] = []

    async def keep(records: Records) -> Outcomes:
        if any(it.prediction_id == "41" for it in records):
            raise failure
        arrived.extend(it.prediction_id for it in records)
        return [None] * len(records)

    stored = StoredPredictions(keep)
    # Kept from the console, where a traceback takes seconds to print.
    with structlog.testing.capture_logs() as logs:
        for number in range(MAX_BATCH):
            stored.offer(record(number))
        await stored.close()
    assert len(logs) == (1 if isinstance(failure, Internal) else 2)
    assert sorted(arrived, key=int) == [str(number) for number in range(MAX_BATCH) if number != 41]
    assert stored.dropped == {DropReason.FAILED: 1}


async def test_the_end_does_not_wait_for_a_project_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be sent within the time allowed is dropped and counted, those on their way included."""
    monkeypatch.setattr(stored_predictions, "FLUSH_SECONDS", 0.1)

    async def hang(_: Records) -> Outcomes:
        await asyncio.Event().wait()
        raise AssertionError

    stored = StoredPredictions(hang)
    for number in range(2 * MAX_BATCH + 10):
        stored.offer(record(number))
    await asyncio.wait_for(stored.close(), PATIENCE_SECONDS)
    assert stored.dropped == {DropReason.STOPPED: 2 * MAX_BATCH + 10}
