"""Prints the figures of the design, each beside its baseline, all from one run on this machine."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import backbones
import classifying
import domains
import posting
import starting
import storing
import uploading
from figures import Figure, show

import prediction
import training

BENCHMARKS: dict[str, Callable[[Path], list[Figure]]] = {
    "backbones": backbones.measure,
    "domains": domains.measure,
    "starting": starting.measure,
    "uploading": uploading.measure,
    "training": training.measure,
    "prediction": prediction.measure,
    "classifying": classifying.measure,
    "storing": storing.measure,
    "posting": posting.measure,
}


def main() -> None:
    """Runs the benchmarks that are named as arguments, or all."""
    chosen = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in chosen if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}.")
    for name in chosen:
        with tempfile.TemporaryDirectory(prefix="customvision-bench-") as folder:
            show(name, BENCHMARKS[name](Path(folder)))


if __name__ == "__main__":
    main()
