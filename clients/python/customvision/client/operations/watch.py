"""Following a training run through broken connections, restarts and drains: every event exactly once."""

import grpc

from customvision.client.errors import CustomVisionError
from customvision.client.operations.patience import Patience
from customvision.client.steps import Call, Emit, Next, Open, Sleep, Steps
from customvision.v1 import training_service_pb2

FINAL_STATES = frozenset(
    {
        training_service_pb2.TRAINING_STATE_SUCCEEDED,
        training_service_pb2.TRAINING_STATE_FAILED,
        training_service_pb2.TRAINING_STATE_CANCELLED,
    }
)


def watch_training(training_run_id: str, after_sequence: int, patience_seconds: float) -> Steps[None]:
    """Emits the events after ``after_sequence``, without heartbeats, and ends after the one that is final.

    Raises CustomVisionError where there is no such run, or the service stays away for ``patience_seconds``.
    """
    position = _Position(training_run_id, after_sequence)
    patience = Patience(patience_seconds)
    while not position.ended:
        try:
            yield from _follow(position, patience)
            if not position.ended and not (yield from _is_over(position)):
                raise _interrupted()
        except CustomVisionError as error:
            yield Sleep(patience.pause_after(error))
        else:
            return


class _Position:
    """How far a watch has come: the last sequence that was emitted, and whether its event was the final one."""

    def __init__(self, training_run_id: str, sequence: int) -> None:
        self.training_run_id = training_run_id
        self.sequence = sequence
        self.ended = False

    def accept(self, event: training_service_pb2.TrainingEvent) -> bool:
        """Tells whether ``event`` is the next one. Raises CustomVisionError where one between is missing."""
        if event.WhichOneof("detail") == "heartbeat" or event.sequence <= self.sequence:
            return False
        if event.sequence != self.sequence + 1:
            raise _interrupted()
        self.sequence = event.sequence
        self.ended = event.state in FINAL_STATES
        return True


def _follow(position: _Position, patience: Patience) -> Steps[None]:
    request = training_service_pb2.WatchTrainingRequest(
        training_run_id=position.training_run_id, after_sequence=position.sequence
    )
    stream = yield Open("training", "WatchTraining", request)
    try:
        while not position.ended and (event := (yield Next(stream))) is not None:
            patience.renew()
            if position.accept(event):
                yield Emit(event)
    finally:
        stream.cancel()


def _is_over(position: _Position) -> Steps[bool]:
    request = training_service_pb2.GetTrainingRunRequest(training_run_id=position.training_run_id)
    run: training_service_pb2.TrainingRun = yield Call("training", "GetTrainingRun", request)
    return run.state in FINAL_STATES and run.last_sequence <= position.sequence


def _interrupted() -> CustomVisionError:
    message = "The training service closed the watch before the run ended; try again."
    return CustomVisionError("WATCH_INTERRUPTED", message, grpc.StatusCode.UNAVAILABLE)
