"""Decode and trunk without a server: what the machine can do at most, on as many threads as the service has."""

import itertools
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from load_rounds import WARM_UP_SECONDS, Round

from customvision.common.processors import available_cores
from customvision.vision.artifacts import BackboneArtifact
from customvision.vision.decoding import decode_for_backbone
from customvision.vision.trunk import Trunk

THREADS_PER_CORE = 2


def load_trunk(backbone: bytes) -> Trunk:
    """Compiles a backbone's artifact as the service does."""
    with tempfile.TemporaryDirectory() as folder:
        return Trunk.load(*BackboneArtifact.from_bytes(backbone).write_model(Path(folder)))


class BareLoop:
    """A trunk of the service's precision and streams, in this process."""

    def __init__(self, backbone: bytes) -> None:
        self._trunk = load_trunk(backbone)

    def round(self, photos: Sequence[bytes], *, callers: int, seconds: float) -> Round:
        """Returns what as many threads as callers, at most two for each core, computed one photo after another."""
        count = min(callers, THREADS_PER_CORE * available_cores())
        endless = itertools.cycle(photos)
        latencies: list[float] = []
        over = threading.Event()

        def compute() -> None:
            while not over.is_set():
                began = time.perf_counter()
                self._trunk.embed(decode_for_backbone(next(endless), self._trunk.input_size))
                latencies.append(time.perf_counter() - began)

        threads = [threading.Thread(target=compute) for _ in range(count)]
        for thread in threads:
            thread.start()
        time.sleep(WARM_UP_SECONDS)
        first, started, used = len(latencies), time.perf_counter(), time.process_time()
        time.sleep(seconds)
        last, passed, used = len(latencies), time.perf_counter() - started, time.process_time() - used
        over.set()
        for thread in threads:
            thread.join()
        return Round(passed, 0.0, used, tuple(latencies[first:last]), {})
