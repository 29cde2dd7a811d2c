"""Live progress over HTTP as server-sent events, of a scripted run."""

import asyncio
import threading
from collections.abc import Iterator

import grpc
import httpx
import pytest
import pytest_asyncio

from customvision.common.keys import Keys
from customvision.v1 import iterations_pb2, training_service_pb2
from project_calls import freeze, make_trainable
from running_gateway import MISSING, Scripts, ServedGateway, refused, training_api
from scripted_server import ScriptedCall
from server_sent_events import read_events

RUNNING = training_service_pb2.TRAINING_STATE_RUNNING
SUCCEEDED = training_service_pb2.TRAINING_STATE_SUCCEEDED


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

    @property
    def scripts(self) -> Scripts:
        """What it answers, by method."""
        return {"ListTrainingRuns": self._list, "WatchTraining": self._watch}

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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def frozen(half_scripted_gateway: ServedGateway) -> iterations_pb2.Iteration:
    """An iteration in training."""
    project_id, _ = await make_trainable(half_scripted_gateway.project)
    return await freeze(half_scripted_gateway.project, project_id)


async def test_quiet_times_are_bridged_by_comments(
    served: ServedGateway, served_api: httpx.AsyncClient, frozen: iterations_pb2.Iteration
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
    served.scripted.answer(run.scripts)
    told, comment, warning = [event async for event in read_events(served_api, path)]
    assert comment == {"comment": "heartbeat"}
    assert (told["type"], told["epoch"], told["epochs"], told["secondsLeft"]) == ("fineTuning", 1, 5, 90)
    assert (told["course"], told["repeat"], told["repeats"]) == ("Repeat", 2, 5)
    assert "heldOutLoss" not in told
    assert (warning["id"], warning["message"]) == (2, "Small.\nVery small.")


async def test_a_service_that_goes_away_ends_the_stream_in_order(
    served: ServedGateway, served_api: httpx.AsyncClient, frozen: iterations_pb2.Iteration
) -> None:
    """What was told before stays readable, and the reader connects again with the last id."""
    run = ScriptedRun(frozen.iteration_id)
    run.events, run.broken = [training_service_pb2.TrainingEvent(sequence=1, state=RUNNING, warning="One.")], True
    path = f"/projects/{frozen.project_id}/iterations/{frozen.iteration_id}/events"
    served.scripted.answer(run.scripts)
    assert [event["id"] async for event in read_events(served_api, path)] == [1]
    assert [event["id"] async for event in read_events(served_api, path, after=1)] == [1]
    assert [request.after_sequence for request in served.requests("WatchTraining")] == [0, 1]


async def test_streams_end_in_order_when_the_gateway_stops(
    served: ServedGateway, frozen: iterations_pb2.Iteration, keys: Keys
) -> None:
    """Who watches when the gateway stops gets a whole answer, to go on from later, and holds nothing up."""
    run, stopping = ScriptedRun(frozen.iteration_id), asyncio.Event()
    run.events, run.endless = [training_service_pb2.TrainingEvent(sequence=1, state=RUNNING, warning="One.")], True
    path = f"/projects/{frozen.project_id}/iterations/{frozen.iteration_id}/events"
    served.scripted.answer(run.scripts)
    async with training_api(served.settings, keys, stopping) as api:
        told = []
        async for event in read_events(api, path):
            told.append(event["id"])
            stopping.set()
    assert told == [1]


async def test_head_does_not_follow_events(
    served: ServedGateway, served_api: httpx.AsyncClient, frozen: iterations_pb2.Iteration
) -> None:
    """A stream that GET follows for as long as a training lasts is answered at once, and given up behind it."""
    run = ScriptedRun(frozen.iteration_id)
    run.endless = True
    served.scripted.answer(run.scripts)
    async with asyncio.timeout(25):
        head = await served_api.head(f"/projects/{frozen.project_id}/iterations/{frozen.iteration_id}/events")
        for watch in served.scripted.calls["WatchTraining"]:
            while watch.context.is_active():
                await asyncio.sleep(0.01)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("last", ["one", "-1", "1.5", "١", "9" * 30])
async def test_an_id_that_is_none_is_refused(
    served_api: httpx.AsyncClient, frozen: iterations_pb2.Iteration, last: str
) -> None:
    """Last-Event-ID is a number of an event."""
    path = f"/projects/{frozen.project_id}/iterations/{frozen.iteration_id}/events"
    headers = httpx.Headers({b"Last-Event-ID": last.encode()})
    refused(await served_api.get(path, headers=headers), 400, "BadRequestInvalid")


async def test_there_are_no_events_of_what_is_not_there(
    served: ServedGateway, served_api: httpx.AsyncClient, frozen: iterations_pb2.Iteration
) -> None:
    """An unknown project, an unknown iteration, and one that was trained elsewhere are 404."""
    served.scripted.answer(ScriptedRun(MISSING).scripts)
    iterations = f"/projects/{frozen.project_id}/iterations"
    refused(await served_api.get(f"/projects/{MISSING}/iterations/{MISSING}/events"), 404, "NotFoundProject")
    refused(await served_api.get(f"{iterations}/{MISSING}/events"), 404, "NotFoundIteration")
    refused(await served_api.get(f"{iterations}/{frozen.iteration_id}/events"), 404, "NotFoundIteration")
