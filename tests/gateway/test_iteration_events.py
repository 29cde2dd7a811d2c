"""Live progress over HTTP as server-sent events."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import grpc
import httpx
import pytest

from customvision.common.keys import Keys
from customvision.v1 import iterations_pb2, training_service_pb2
from project_calls import freeze, make_trainable
from running_gateway import MISSING, refused, training_api
from scripted_server import ScriptedCall, ScriptedServer
from training_suite import TrainingSuite

RUNNING = training_service_pb2.TRAINING_STATE_RUNNING
SUCCEEDED = training_service_pb2.TRAINING_STATE_SUCCEEDED


async def read_events(api: httpx.AsyncClient, path: str, after: int | None = None) -> AsyncIterator[dict[str, Any]]:
    """Yields the events of a stream, each with its id; a comment is yielded as its text."""
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    async with api.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        sequence = ""
        async for line in answer.aiter_lines():
            field, _, value = line.partition(": ")
            if field == "id":
                sequence = value
            elif field == "data":
                yield {"id": int(sequence), **json.loads(value)}
            elif field == "" and value:
                yield {"comment": value}


async def test_a_training_is_told_from_start_to_end(api: httpx.AsyncClient, suite: TrainingSuite) -> None:
    """Every event comes once, numbered from 1; the stream ends after the last, and who has all is told to stay away."""
    project_id, _ = await suite.colored_project(per_tag=6)
    iteration_id = (await api.post(f"/projects/{project_id}/train")).json()["id"]
    path = f"/projects/{project_id}/iterations/{iteration_id}/events"
    async with asyncio.timeout(60):
        events = [event async for event in read_events(api, path) if "id" in event]
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert [event["sequence"] for event in events] == [event["id"] for event in events]
    assert (events[0]["type"], events[0]["state"]) == ("state", "Queued")
    assert (events[-1]["type"], events[-1]["state"]) == ("state", "Succeeded")
    assert [event["phase"] for event in events if event["type"] == "progress"][-1] == "Saving"
    (metrics,) = [event for event in events if event["type"] == "metrics"]
    assert 0 <= metrics["averagePrecision"] <= 1

    rest = [event async for event in read_events(api, path, after=3)]
    assert rest == events[3:]
    over = await api.get(path, headers={"Last-Event-ID": str(len(events))})
    assert (over.status_code, over.content) == (204, b"")
    beyond = await api.get(path, headers={"Last-Event-ID": str(len(events) + 1)})
    refused(beyond, 400, "BadRequestInvalid")


class ScriptedRun:
    """A training service with one run, whose events a test gives.

    ``broken`` ends its watch with an error after them; ``endless`` keeps it open until its reader leaves.
    """

    def __init__(self, iteration_id: str) -> None:
        self.run = training_service_pb2.TrainingRun(
            training_run_id=MISSING, iteration_id=iteration_id, state=RUNNING, last_sequence=2
        )
        self.events: list[training_service_pb2.TrainingEvent] = []
        self.broken = self.endless = False
        self.server = ScriptedServer({"ListTrainingRuns": self._list, "WatchTraining": self._watch})

    def _list(self, call: ScriptedCall) -> training_service_pb2.ListTrainingRunsResponse:
        runs = [self.run] if call.request.iteration_id == self.run.iteration_id else []
        return training_service_pb2.ListTrainingRunsResponse(training_runs=runs)

    def _watch(self, call: ScriptedCall) -> Iterator[training_service_pb2.TrainingEvent]:
        yield from self.events
        left = threading.Event()
        if self.endless and call.context.add_callback(left.set):
            left.wait(30)
        if self.broken:
            call.fail(grpc.StatusCode.UNAVAILABLE)


@pytest.fixture
async def frozen(project_suite: TrainingSuite) -> iterations_pb2.Iteration:
    """An iteration in training."""
    project_id, _ = await make_trainable(project_suite.project)
    return await freeze(project_suite.project, project_id)


async def test_quiet_times_are_bridged_by_comments(
    project_suite: TrainingSuite, frozen: iterations_pb2.Iteration, keys: Keys
) -> None:
    """A heartbeat becomes a comment without an id; fine-tuning and warnings are told in JSON's words."""
    run = ScriptedRun(frozen.iteration_id)
    heartbeat = training_service_pb2.Heartbeat()
    tuning = training_service_pb2.FineTuningProgress(
        epoch=1,
        epochs=5,
        batch=2,
        batches=9,
        loss=0.5,
        course=training_service_pb2.FINE_TUNING_COURSE_REPEAT,
        repeat=2,
        repeats=5,
    )
    tuning.time_left.seconds = 90
    run.events = [
        training_service_pb2.TrainingEvent(sequence=1, state=RUNNING, fine_tuning=tuning),
        training_service_pb2.TrainingEvent(sequence=1, state=RUNNING, heartbeat=heartbeat),
        training_service_pb2.TrainingEvent(sequence=2, state=SUCCEEDED, warning="Small.\nVery small."),
    ]
    path = f"/projects/{frozen.project_id}/iterations/{frozen.iteration_id}/events"
    with run.server:
        settings = replace(project_suite.settings, training_address=run.server.address)
        async with training_api(settings, keys) as api:
            told, comment, warning = [event async for event in read_events(api, path)]
    assert comment == {"comment": "heartbeat"}
    assert (told["type"], told["epoch"], told["epochs"], told["secondsLeft"]) == ("fineTuning", 1, 5, 90)
    assert (told["course"], told["repeat"], told["repeats"]) == ("Repeat", 2, 5)
    assert "heldOutLoss" not in told
    assert (warning["id"], warning["message"]) == (2, "Small.\nVery small.")


async def test_a_service_that_goes_away_ends_the_stream_in_order(
    project_suite: TrainingSuite, frozen: iterations_pb2.Iteration, keys: Keys
) -> None:
    """What was told before stays readable, and the reader connects again with the last id."""
    run = ScriptedRun(frozen.iteration_id)
    run.events, run.broken = [training_service_pb2.TrainingEvent(sequence=1, state=RUNNING, warning="One.")], True
    path = f"/projects/{frozen.project_id}/iterations/{frozen.iteration_id}/events"
    with run.server:
        settings = replace(project_suite.settings, training_address=run.server.address)
        async with training_api(settings, keys) as api:
            assert [event["id"] async for event in read_events(api, path)] == [1]
            assert [event["id"] async for event in read_events(api, path, after=1)] == [1]
        assert [call.request.after_sequence for call in run.server.calls["WatchTraining"]] == [0, 1]


async def test_streams_end_in_order_when_the_gateway_stops(
    project_suite: TrainingSuite, frozen: iterations_pb2.Iteration, keys: Keys
) -> None:
    """Who watches when the gateway stops gets a whole answer, to go on from later, and holds nothing up."""
    run, stopping = ScriptedRun(frozen.iteration_id), asyncio.Event()
    run.events, run.endless = [training_service_pb2.TrainingEvent(sequence=1, state=RUNNING, warning="One.")], True
    path = f"/projects/{frozen.project_id}/iterations/{frozen.iteration_id}/events"
    with run.server:
        settings = replace(project_suite.settings, training_address=run.server.address)
        async with training_api(settings, keys, stopping) as api:
            told = []
            async for event in read_events(api, path):
                told.append(event["id"])
                stopping.set()
    assert told == [1]


async def test_head_does_not_follow_events(
    project_suite: TrainingSuite, frozen: iterations_pb2.Iteration, keys: Keys
) -> None:
    """A stream that GET follows for as long as a training lasts is answered at once, and given up behind it."""
    run = ScriptedRun(frozen.iteration_id)
    run.endless = True
    with run.server:
        settings = replace(project_suite.settings, training_address=run.server.address)
        async with training_api(settings, keys) as api, asyncio.timeout(25):
            head = await api.head(f"/projects/{frozen.project_id}/iterations/{frozen.iteration_id}/events")
            for watch in run.server.calls["WatchTraining"]:
                while watch.context.is_active():
                    await asyncio.sleep(0.01)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("last", ["one", "-1", "1.5", "١", "9" * 30])
async def test_an_id_that_is_none_is_refused(
    project_suite: TrainingSuite, frozen: iterations_pb2.Iteration, keys: Keys, last: str
) -> None:
    """Last-Event-ID is a number of an event."""
    path = f"/projects/{frozen.project_id}/iterations/{frozen.iteration_id}/events"
    async with training_api(project_suite.settings, keys) as api:
        refused(await api.get(path, headers=httpx.Headers({b"Last-Event-ID": last.encode()})), 400, "BadRequestInvalid")


async def test_there_are_no_events_of_what_is_not_there(
    project_suite: TrainingSuite, frozen: iterations_pb2.Iteration, keys: Keys
) -> None:
    """An unknown project, an unknown iteration, and one that was trained elsewhere are 404."""
    run = ScriptedRun(MISSING)
    with run.server:
        settings = replace(project_suite.settings, training_address=run.server.address)
        async with training_api(settings, keys) as api:
            iterations = f"/projects/{frozen.project_id}/iterations"
            refused(await api.get(f"/projects/{MISSING}/iterations/{MISSING}/events"), 404, "NotFoundProject")
            refused(await api.get(f"{iterations}/{MISSING}/events"), 404, "NotFoundIteration")
            refused(await api.get(f"{iterations}/{frozen.iteration_id}/events"), 404, "NotFoundIteration")
