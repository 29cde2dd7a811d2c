"""Rounds of load: what callers saw in some seconds, and what the machine computed meanwhile."""

import base64
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from questions import Questions

from customvision.common.processors import available_cores

PROGRAM = Path(__file__).with_name("load_generator.py")
WARM_UP_SECONDS = 0.4


@dataclass(frozen=True)
class Round:
    """``latencies`` are seconds of each answered call; ``failures`` count the others by status code.

    ``generator_seconds`` and ``server_seconds`` are processor time.
    """

    seconds: float
    generator_seconds: float
    server_seconds: float
    latencies: tuple[float, ...]
    failures: dict[str, int]

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    @property
    def net_rate(self) -> float:
        """Answers a second net of the load generator: those divided by the time that the cores had left beside it.

        Of ``seconds`` on n cores the server could have ``n * seconds - generator_seconds`` core seconds, as much as
        all n cores give in ``seconds - generator_seconds / n``; a loop without a server has all of them.
        """
        return len(self.latencies) / (self.seconds - self.generator_seconds / available_cores())

    def percentile(self, percent: float) -> float:
        """Returns that percentile of the latencies in milliseconds."""
        return percentile([self], percent)


class LoadGenerator:
    """A process that asks. Give it every server first, then any number of rounds."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def add(self, name: str, *, address: str, pid: int, questions: Questions, key: str = "") -> None:
        """Names a server, its process, and what to ask it."""
        self._send(
            target={
                "name": name,
                "address": address,
                "pid": pid,
                "method": questions.method,
                "metadata": [("prediction-key", key)] if key else [],
                "heads": [base64.b64encode(head).decode() for head in questions.heads],
                "bodies": [base64.b64encode(body).decode() for body in questions.bodies],
            }
        )

    def round(self, name: str, *, callers: int, seconds: float, warm_up: float = WARM_UP_SECONDS) -> Round:
        """Returns what so many callers saw of the server."""
        self._send(round={"name": name, "callers": callers, "warm_up": warm_up, "seconds": seconds})
        return self._round()

    def begin(self, name: str, *, callers: int) -> None:
        """Begins a round that lasts until ``end``. All of it counts: have an ordinary round before it."""
        self._send(round={"name": name, "callers": callers, "warm_up": 0.0, "seconds": None})

    def end(self) -> Round:
        """Ends the round and returns what its callers saw."""
        self._write(b"\n")
        return self._round()

    def burst(self, name: str, *, count: int, callers: int) -> list[tuple[str, float]]:
        """Sends ``count`` requests at once; returns the status code and the seconds of each."""
        self._send(burst={"name": name, "count": count, "callers": callers})
        return [(code, seconds) for code, seconds in self._read()["ends"]]

    def _round(self) -> Round:
        told = self._read()
        return Round(**{**told, "latencies": tuple(told["latencies"])})

    def _send(self, **order: Any) -> None:
        self._write(json.dumps(order).encode() + b"\n")

    def _write(self, line: bytes) -> None:
        assert self._process.stdin  # noqa: S101 - it is a pipe
        self._process.stdin.write(line)
        self._process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout  # noqa: S101 - it is a pipe
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the load generator ended with code {self._process.wait()}")
        content: dict[str, Any] = json.loads(line)
        return content


@contextmanager
def load_generator() -> Iterator[LoadGenerator]:
    """Starts a load generator and ends it afterwards."""
    command = [sys.executable, str(PROGRAM)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own
        try:
            yield LoadGenerator(process)
        finally:
            process.terminate()


def percentile(rounds: list[Round], percent: float) -> float:
    """Returns that percentile of all latencies of the rounds, in milliseconds; not a number where there are none."""
    every = [seconds for each in rounds for seconds in each.latencies]
    return float(np.percentile(every, percent)) * 1000 if every else math.nan


def latency_text(rounds: list[Round]) -> str:
    """Returns p50, p95 and p99 of all latencies of the rounds."""
    return " / ".join(f"{percentile(rounds, percent):.1f}" for percent in (50, 95, 99)) + " ms"


def median_rate(rounds: list[Round]) -> float:
    """Returns the median of the rounds' answers a second."""
    return median(each.rate for each in rounds)


def failed(rounds: list[Round]) -> int:
    """Returns how many calls of the rounds had no answer."""
    return sum(sum(each.failures.values()) for each in rounds)
