"""The stages that the answer to one image goes through, and how long each takes."""

import enum
import time
from collections.abc import Callable


class Stage(enum.Enum):
    """In order."""

    QUEUE = "queue"
    DECODE = "decode"
    TRUNK = "trunk"
    HEAD = "head"


ObserveStage = Callable[[Stage, float], None]


def unobserved(_stage: Stage, _seconds: float) -> None:
    """Takes no notice."""


class Stopwatch:
    """Tells ``observe`` how long each stage took, one after the other, from now on."""

    def __init__(self, observe: ObserveStage) -> None:
        self._observe = observe
        self._began = time.perf_counter()

    def lap(self, stage: Stage) -> None:
        """Ends ``stage``; the next one begins."""
        now = time.perf_counter()
        self._observe(stage, now - self._began)
        self._began = now
