"""`watch` from a terminal of its own."""

import signal
import threading
from collections.abc import Iterator

import grpc
import pytest

from command_line import CommandLine
from customvision.v1 import iterations_pb2
from customvision.v1 import training_service_pb2 as training
from scripted_server import ScriptedCall, ScriptedServer
from told_events import COUNT, RUN, event, events_after

Events = Iterator[training.TrainingEvent]


def test_interrupted_watch_leaves_the_run(command_line: CommandLine) -> None:
    """Ctrl-C ends a watch with exit code 130 and says how to come back to the run and how to end it."""
    left = threading.Event()

    def watch(call: ScriptedCall) -> Events:
        call.context.add_callback(left.set)
        yield event(1)
        left.wait(30)

    with ScriptedServer({"WatchTraining": watch}) as server:
        command_line.connect(training=server.address)
        process = command_line.start("watch", RUN)
        assert process.stderr is not None
        # What was told is shown: from here on it waits.
        assert process.stderr.readline()
        process.send_signal(signal.SIGINT)
        output, notes = process.communicate(timeout=20)
    assert process.returncode == 130
    assert f"customvision watch {RUN}" in notes
    assert f"customvision cancel {RUN}" in notes
    assert output == ""
    assert "Traceback" not in notes


def test_watch_shows_a_run_to_its_end(command_line: CommandLine) -> None:
    """A watch tells phases, warnings and metrics, through a break, and ends with exit code 0."""

    def watch(call: ScriptedCall) -> Events:
        told = {
            1: training.TrainingEvent(sequence=1, warning="poor \x1b[31mweights"),
            2: training.TrainingEvent(
                sequence=2,
                progress=training.PhaseProgress(phase=training.TRAINING_PHASE_EMBEDDING_IMAGES, done=3, total=60),
            ),
            3: training.TrainingEvent(
                sequence=3, metrics=iterations_pb2.IterationMetrics(precision=0.875, held_out_image_count=8)
            ),
        }
        for number in range(call.request.after_sequence + 1, COUNT + 1):
            yield told.get(number, event(number))
            if number == 5:
                call.fail(grpc.StatusCode.UNAVAILABLE)

    with ScriptedServer({"WatchTraining": watch}) as server:
        command_line.connect(training=server.address)
        output, notes = command_line.run("watch", RUN)
    assert "embedding images 3/60" in notes
    assert r"poor \x1b[31mweights" in notes
    assert "succeeded" in output
    assert "precision 87.5%" in output
    assert "8 held-out images" in output


@pytest.mark.parametrize("state", [training.TRAINING_STATE_FAILED, training.TRAINING_STATE_CANCELLED])
def test_watch_of_a_lost_run_fails(command_line: CommandLine, state: "training.TrainingState.ValueType") -> None:
    """A run that ends without a model ends its watch with exit code 1 and the reason."""

    def watch(call: ScriptedCall) -> Events:
        yield from events_after(call.request.after_sequence, 3)
        yield training.TrainingEvent(
            sequence=4, state=state, state_change=training.StateChange(reason="The disk is full.")
        )

    with ScriptedServer({"WatchTraining": watch}) as server:
        command_line.connect(training=server.address)
        _, notes = command_line.run("watch", RUN, exit_code=1)
    assert "The disk is full." in notes.splitlines()[-1]
