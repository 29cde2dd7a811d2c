"""Following a run: every event exactly once, whatever becomes of the connection."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path

import grpc
import pytest

import told_events
from customvision.client import AsyncClient, Client, ClientSettings, CustomVisionError
from customvision.v1 import training_service_pb2 as training
from scripted_server import ScriptedCall, ScriptedServer
from told_events import COUNT, RUN, event, events_after, heartbeat

MakeSettings = Callable[..., ClientSettings]
Events = Iterator[training.TrainingEvent]
ALL = list(range(1, COUNT + 1))


def break_after_three(call: ScriptedCall) -> Events:
    """Tells three events a connection, then breaks off."""
    after = call.request.after_sequence
    yield heartbeat(after)
    yield from events_after(after, 3)
    if after + 3 < COUNT:
        call.fail(grpc.StatusCode.UNAVAILABLE)


def end_after_five(call: ScriptedCall) -> Events:
    """Ends without an error after five events, as a draining server does."""
    yield from events_after(call.request.after_sequence, 5)


def stammer(call: ScriptedCall) -> Events:
    """Tells two events once more, and on the first connection leaves one out."""
    for number in range(max(call.request.after_sequence - 2, 1), COUNT + 1):
        if not (call.number == 1 and number == 7):
            yield event(number)


def running(call: ScriptedCall) -> training.TrainingRun:
    """Answers that the run is still on."""
    return training.TrainingRun(training_run_id=call.request.training_run_id, state=training.TRAINING_STATE_RUNNING)


def ended(call: ScriptedCall) -> training.TrainingRun:
    """Answers that the run is over."""
    return training.TrainingRun(
        training_run_id=call.request.training_run_id, state=training.TRAINING_STATE_SUCCEEDED, last_sequence=COUNT
    )


@pytest.mark.parametrize("watch", [break_after_three, end_after_five, stammer])
def test_every_event_comes_once(make_settings: MakeSettings, watch: Callable[[ScriptedCall], Events]) -> None:
    """A watch yields each event once and in order through breaks, drains, repeats and gaps."""
    with ScriptedServer({"WatchTraining": watch, "GetTrainingRun": running}) as server:
        with Client(make_settings(server.address)) as client:
            assert [told.sequence for told in client.watch_training(RUN)] == ALL
        assert len(server.calls["WatchTraining"]) > 1


async def test_async_watch_resumes(make_settings: MakeSettings) -> None:
    """The asynchronous client resumes from the last event that it was told."""
    with ScriptedServer({"WatchTraining": break_after_three}) as server:
        async with AsyncClient(make_settings(server.address)) as client:
            assert [told.sequence async for told in client.watch_training(RUN)] == ALL
        assert [call.request.after_sequence for call in server.calls["WatchTraining"]] == [0, 3, 6, 9]


def test_watch_begins_where_asked(make_settings: MakeSettings) -> None:
    """A watch after a sequence yields only what follows it, and no heartbeat."""
    with (
        ScriptedServer({"WatchTraining": break_after_three}) as server,
        Client(make_settings(server.address)) as client,
    ):
        told = list(client.watch_training(RUN, after_sequence=10))
    assert [one.sequence for one in told] == [11, 12]
    assert all(one.WhichOneof("detail") == "progress" for one in told)


def test_watch_of_an_ended_run_ends(make_settings: MakeSettings) -> None:
    """A watch after the final event ends instead of waiting for more."""
    scripts = {"WatchTraining": end_after_five, "GetTrainingRun": ended}
    with ScriptedServer(scripts) as server, Client(make_settings(server.address)) as client:
        assert list(client.watch_training(RUN, after_sequence=COUNT)) == []


def test_watch_survives_a_server_that_is_killed(make_settings: MakeSettings) -> None:
    """A server that dies in mid-stream again and again costs no event."""
    program = [sys.executable, str(Path(told_events.__file__)), "5"]
    lives = [subprocess.Popen([*program, "0"], stdout=subprocess.PIPE, text=True)]
    assert lives[0].stdout is not None
    port = lives[0].stdout.readline().strip()

    def keep_alive() -> None:
        while lives[-1].wait() == 9:
            lives.append(subprocess.Popen([*program, port], stdout=subprocess.DEVNULL, text=True))

    supervisor = threading.Thread(target=keep_alive)
    supervisor.start()
    try:
        with Client(make_settings(f"127.0.0.1:{port}")) as client:
            assert [told.sequence for told in client.watch_training(RUN, patience_seconds=30)] == ALL
        # Two deaths at least; what was on its way when a server died is told again by the next.
        assert len(lives) >= 3
    finally:
        lives[-1].terminate()
        supervisor.join()
        lives[0].stdout.close()


def test_watch_gives_up_on_an_absent_service(make_settings: MakeSettings) -> None:
    """A watch tells who does not answer once its patience has ended."""
    with Client(make_settings("127.0.0.1:9")) as client, pytest.raises(CustomVisionError) as failure:
        list(client.watch_training(RUN, patience_seconds=0.5))
    assert failure.value.reason == "SERVICE_UNREACHABLE"
    assert "127.0.0.1:9" in failure.value.message


def test_watch_gives_up_at_once_where_it_cannot_succeed(make_settings: MakeSettings) -> None:
    """A status that no repetition can change reaches the caller after one call."""

    def refuse(call: ScriptedCall) -> Events:
        call.fail(grpc.StatusCode.NOT_FOUND, "no such run")
        yield event(1)

    with ScriptedServer({"WatchTraining": refuse}) as server:
        with Client(make_settings(server.address)) as client, pytest.raises(CustomVisionError, match="no such run"):
            list(client.watch_training(RUN))
        assert len(server.calls["WatchTraining"]) == 1


class Endless:
    """Tells one event, then waits for the caller to leave; ``left`` is set once that happens."""

    def __init__(self) -> None:
        self.left = threading.Event()

    def __call__(self, call: ScriptedCall) -> Events:
        """Tells the event and waits."""
        call.context.add_callback(self.left.set)
        yield event(call.request.after_sequence + 1)
        self.left.wait(10)


def test_leaving_a_watch_ends_the_call(make_settings: MakeSettings) -> None:
    """Breaking out of a watch cancels its stream on the server."""
    watch = Endless()
    with ScriptedServer({"WatchTraining": watch}) as server, Client(make_settings(server.address)) as client:
        for _ in client.watch_training(RUN):
            break
        assert watch.left.wait(5)


async def test_cancelling_an_async_watch_ends_the_call(make_settings: MakeSettings) -> None:
    """A task that is cancelled while it waits for an event cancels the stream on the server."""
    watch = Endless()
    with ScriptedServer({"WatchTraining": watch}) as server:
        async with AsyncClient(make_settings(server.address)) as client:
            first = asyncio.Event()

            async def follow() -> None:
                async with aclosing(client.watch_training(RUN)) as events:
                    async for _ in events:
                        first.set()

            task = asyncio.create_task(follow())
            await first.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await asyncio.to_thread(watch.left.wait, 5)
