"""The events of a training run of twelve, and a program that tells some of them and dies."""

import os
import sys
import threading
from collections.abc import Iterator

from customvision.v1 import training_service_pb2 as training
from scripted_server import ScriptedCall, ScriptedServer

RUN = "11111111-1111-4111-8111-111111111111"
COUNT = 12


def event(sequence: int) -> training.TrainingEvent:
    """Returns the run's event of that number; the last one is final."""
    final = sequence == COUNT
    state = training.TRAINING_STATE_SUCCEEDED if final else training.TRAINING_STATE_RUNNING
    return training.TrainingEvent(
        training_run_id=RUN, sequence=sequence, state=state, progress=training.PhaseProgress(done=sequence)
    )


def heartbeat(sequence: int) -> training.TrainingEvent:
    """Returns a heartbeat, which repeats the last sequence told."""
    return training.TrainingEvent(
        training_run_id=RUN, sequence=sequence, state=training.TRAINING_STATE_RUNNING, heartbeat=training.Heartbeat()
    )


def events_after(sequence: int, count: int = COUNT) -> Iterator[training.TrainingEvent]:
    """Yields at most ``count`` events after ``sequence``."""
    for number in range(sequence + 1, min(sequence + count, COUNT) + 1):
        yield event(number)


def tell_and_die(count: int, port: int) -> None:
    """Serves on ``port`` until ``count`` events were told on a watch, then dies as if killed."""

    def watch(call: ScriptedCall) -> Iterator[training.TrainingEvent]:
        yield from events_after(call.request.after_sequence, count)
        if call.request.after_sequence + count < COUNT:
            # Long enough for gRPC to send what was yielded; what is lost must be told again anyway.
            threading.Timer(0.05, lambda: os._exit(9)).start()
            yield heartbeat(call.request.after_sequence + count)
            threading.Event().wait()

    with ScriptedServer({"WatchTraining": watch}, port) as server:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    tell_and_die(int(sys.argv[1]), int(sys.argv[2]))
