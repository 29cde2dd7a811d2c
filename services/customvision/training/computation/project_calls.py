"""Calls to the project service from a run's process, patient while project is away."""

import time
from collections.abc import Callable
from typing import TypeVar

import grpc

from customvision.training.computation.job import TrainingImpossible

PATIENCE_SECONDS = 60.0
MAX_PAUSE_SECONDS = 4.0
PASSING = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)

Result = TypeVar("Result")


def patiently(call: Callable[[], Result]) -> Result:
    """Repeats ``call`` with growing pauses while project is away.

    Raises TrainingImpossible where it stays away for a minute, or refuses.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    pause = 0.25
    while True:
        try:
            return call()
        except grpc.RpcError as error:
            if error.code() not in PASSING:
                raise TrainingImpossible(_refusal(error)) from error
            if time.monotonic() + pause > deadline:
                raise TrainingImpossible(
                    f"The project service did not answer for {PATIENCE_SECONDS:.0f} seconds; "
                    "see that it runs, then train again."
                ) from error
        time.sleep(pause)
        pause = min(2 * pause, MAX_PAUSE_SECONDS)


def _refusal(error: grpc.RpcError) -> str:
    if error.code() is grpc.StatusCode.NOT_FOUND:
        return f"The data set is gone from the project service: {error.details()}"
    return f"The project service refused a call of the training: {error.details()}"
