"""How time and memory of a run grow with the number of images."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from figures import Figure, tell
from photos import backbone_settings
from PIL import Image
from training_options import Options

from customvision.training.computation.views import view_count
from suite import EMBED_WHEN_ASKED, TimedSuite, running_suite
from training import TimedTraining, create_project, train, upload

CLASSES = ("red", "orange", "green", "blue", "violet")
COLORS = ((190, 60, 60), (200, 140, 50), (70, 150, 70), (60, 90, 180), (140, 70, 160))
SIDE, FIELDS = 128, 8
POLL_SECONDS = 0.01
EMBEDDING, FITTING = "embedding images", "fitting head"


@dataclass
class PeakMemory:
    """The most memory that a process of the run held, in MiB, as the kernel counts it."""

    mebibytes: float = 0.0
    _done: threading.Event = field(default_factory=threading.Event)

    def watch(self, suite: TimedSuite) -> None:
        """Looks again and again, until ``stop``."""
        service = suite.service("training")
        while not self._done.wait(POLL_SECONDS):
            for child in service.children(recursive=True):
                self.mebibytes = max(self.mebibytes, _peak_of(child))

    def stop(self) -> None:
        """Ends the watch."""
        self._done.set()


@dataclass(frozen=True)
class Run:
    """A run on ``images`` images that had no features."""

    images: int
    training: TimedTraining
    mebibytes: float


def measure(folder: Path, options: Options) -> list[Figure]:
    """Trains projects of growing size, each on small pictures of its own, and fits power laws."""
    with running_suite(folder / "growth", backbone_settings() | EMBED_WHEN_ASKED) as suite:
        suite.wait_until_calm()
        runs = [_run(suite, folder / str(images), images) for images in options.growth]
    return [*(_figure(run) for run in runs), *_exponents(runs)]


def _run(suite: TimedSuite, folder: Path, images: int) -> Run:
    tell(f"drawing and uploading {images:,} pictures")
    pictures = _draw(folder, images)
    with suite.client() as client:
        project_id, tags = create_project(client, list(CLASSES))
        upload(client, project_id, tags, pictures)
        tell(f"training {images:,} pictures")
        with _watched(suite) as peak:
            training = train(client, project_id, pictures[CLASSES[0]][0])
    return Run(images, training, peak.mebibytes)


@contextmanager
def _watched(suite: TimedSuite) -> Iterator[PeakMemory]:
    peak = PeakMemory()
    thread = threading.Thread(target=peak.watch, args=[suite])
    thread.start()
    try:
        yield peak
    finally:
        peak.stop()
        thread.join()


def _peak_of(process: psutil.Process) -> float:
    with suppress(OSError, psutil.Error):
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _draw(folder: Path, images: int) -> dict[str, list[Path]]:
    """Draws pictures of coarse fields around the colour of their class; no two are alike."""
    found: dict[str, list[Path]] = {name: [] for name in CLASSES}
    folder.mkdir()
    for index in range(images):
        # Another seed for each size: no picture of one size is known from another.
        random = np.random.default_rng([images, index])
        label = index % len(CLASSES)
        fields = random.normal(COLORS[label], 45, (FIELDS, FIELDS, 3)).clip(0, 255).astype(np.uint8)
        path = folder / f"{index}.jpg"
        Image.fromarray(fields).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(path, quality=85)
        found[CLASSES[label]].append(path)
    return found


def _figure(run: Run) -> Figure:
    phases, seconds = run.training.phases, run.training.seconds
    known = phases.get(EMBEDDING, 0.0), phases.get(FITTING, 0.0)
    return Figure(
        f"{run.images:,} small pictures, views: {view_count(run.images, len(CLASSES))}; call to answer",
        f"{seconds:.2f} s, {run.mebibytes:.0f} MiB",
        baseline=f"embedding {known[0]:.2f} s, fit {known[1]:.2f} s, the rest {seconds - sum(known):.2f} s",
    )


def _exponents(runs: list[Run]) -> list[Figure]:
    values = {
        "whole run": [run.training.seconds for run in runs],
        "embedding": [run.training.phases.get(EMBEDDING, 0.0) for run in runs],
        "fit": [run.training.phases.get(FITTING, 0.0) for run in runs],
        "peak memory": [run.mebibytes for run in runs],
    }
    images = [run.images for run in runs]
    return [
        Figure(
            f"growth of the {name}, exponent of n",
            f"{_exponent(images, measured):.2f}",
            baseline=f"between the last two sizes {_exponent(images[-2:], measured[-2:]):.2f}",
        )
        for name, measured in values.items()
        if len(runs) > 1 and min(measured) > 0
    ]


def _exponent(images: list[int], values: list[float]) -> float:
    """Returns e of the power law ``c * images ** e`` that fits best on logarithmic scales."""
    return float(np.polyfit(np.log(images), np.log(values), 1)[0])
