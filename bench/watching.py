"""Thousands of idle watches of models beside busy callers: whether those notice, and how fast news reaches everyone."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from figures import Figure, tell
from load_rounds import Round, failed, latency_text, median_rate
from material import Material
from serving import OURS, PUBLISH_NAME, Serving, project_id_of, serving

PROGRAM = Path(__file__).with_name("idle_watchers.py")
CALLERS = 16
KILOBYTE = 1_000


def measure(folder: Path, material: Material) -> list[Figure]:
    """Asks before, while and after the watches are open."""
    options = material.options
    with serving(folder / "watching", material.trained) as served:
        served.ask(material.small)
        alone = _rounds(served, options.rounds, options.seconds)
        before = served.service.resident
        tell(f"opening {options.watchers:,} watches")
        with _watchers(served, options.watchers) as told:
            opened = _next(told)
            if opened["problem"]:
                return [Figure(f"{options.watchers:,} idle watches", f"skipped: WatchModels is {opened['problem']}")]
            resident = served.service.resident - before
            together = _rounds(served, options.rounds, options.seconds)
            tell("publishing to all watches")
            published = time.time()
            served.project.publish(project_id_of(0), PUBLISH_NAME, "1", material.trained.variation(1))
            news = _next(told)
        alone += _rounds(served, options.rounds, options.seconds)
    return [
        Figure(
            f"{options.watchers:,} watches opened and synchronized",
            f"{opened['seconds']:.1f} s, {resident / options.watchers / KILOBYTE:.0f} KB of the service each",
            "the watcher's own work included",
        ),
        Figure(
            f"{CALLERS} callers beside {options.watchers:,} idle watches",
            f"{median_rate(together):.0f} a second, {median_rate(together) / median_rate(alone):.2f} of alone; "
            f"{latency_text(together)}; {failed(together)} failed",
            f"alone {median_rate(alone):.0f} a second; {latency_text(alone)}",
        ),
        Figure(
            f"publish until {options.watchers:,} watchers know",
            f"{news['at'] - published:.2f} s" + (f", {news['problem']}" if news["problem"] else ""),
            "the watcher's own work included",
        ),
    ]


def _rounds(served: Serving, count: int, seconds: float) -> list[Round]:
    return [served.generator.round(OURS, callers=CALLERS, seconds=seconds) for _ in range(count)]


@contextmanager
def _watchers(served: Serving, count: int) -> Iterator[IO[bytes]]:
    """Yields what the process that watches prints."""
    arguments = [served.service.address, served.keys.prediction_key, project_id_of(0), str(count)]
    with subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, str(PROGRAM), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout  # noqa: S101 - it is a pipe
        try:
            yield process.stdout
        finally:
            process.terminate()


def _next(told: IO[bytes]) -> dict[str, Any]:
    line = told.readline()
    if not line:
        raise RuntimeError("the process that watches ended early")
    content: dict[str, Any] = json.loads(line)
    return content
