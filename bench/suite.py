"""A suite of its own for each benchmark: temporary home, free ports, every start timed."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from local_suite import LocalSuite

from customvision.client import Client, ClientSettings
from customvision.client.settings import read_keys

SERVICES = ("project", "training", "prediction", "gateway")

# For figures of a training whose photos came just before it.
EMBED_WHEN_ASKED = {"CUSTOMVISION_TRAINING_EARLY_EMBEDDING": "off"}


class TimedSuite(LocalSuite):
    """A suite that knows how long its start took: ``ready_seconds``, until all of it served."""

    ready_seconds = 0.0

    def start(self) -> None:
        """Starts and times the start."""
        started = time.perf_counter()
        super().start()
        self.ready_seconds = time.perf_counter() - started

    def client(self) -> Client:
        """Returns a client of this suite."""
        addresses = {
            f"{name}_address": self.environment[f"CUSTOMVISION_{name.upper()}_ADDRESS"]
            for name in ("project", "training", "prediction")
        }
        return Client(ClientSettings(**addresses, **read_keys(self.home)))

    def service(self, name: str) -> psutil.Process:
        """Returns the process of a service."""
        if self.process is None:
            raise RuntimeError("the suite was not started")
        children = psutil.Process(self.process.pid).children()
        return next(child for child in children if f"customvision.{name}" in child.cmdline())

    def wait_until_calm(self) -> None:
        """Waits until training has no child at work, such as the one that prepares the backbone."""
        while self.service("training").children():
            time.sleep(0.1)

    def wait_until_embedded(self, image_count: int) -> None:
        """Waits until training has embedded that many images, all that were ever uploaded, and is calm again."""
        database = f"file:{self.home / 'training' / 'training.sqlite'}?mode=ro"
        with contextlib.closing(sqlite3.connect(database, uri=True)) as connection:
            while connection.execute("SELECT sequence FROM arrival_position").fetchone()[0] < image_count:
                time.sleep(0.1)
        self.wait_until_calm()


@contextmanager
def running_suite(home: Path, settings: dict[str, str]) -> Iterator[TimedSuite]:
    """Starts a suite on ``home`` and stops it at the end."""
    suite = TimedSuite(home, **settings)
    suite.start()
    try:
        yield suite
    finally:
        suite.stop()
