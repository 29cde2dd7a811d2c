"""Prints the figures of training: accuracy, calibration, speed, growth, each beside its baseline from the same run."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import accuracy
import advanced
import embedding
import growth
import precision
import speed
from figures import Figure, show, tell
from training_options import Options, add_options, options_of

BENCHMARKS: dict[str, Callable[[Path, Options], list[Figure]]] = {
    "accuracy": accuracy.measure,
    "speed": speed.measure,
    "growth": growth.measure,
    "embedding": embedding.measure,
    "advanced": advanced.measure,
    "precision": precision.measure,
}


def main() -> None:
    """Runs the parts that are named as arguments, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(BENCHMARKS)}; without any, all")
    add_options(parser)
    arguments = parser.parse_args()
    unknown = [name for name in arguments.parts if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"There is no part {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}.")
    for name in arguments.parts or BENCHMARKS:
        tell(name)
        started = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="customvision-bench-") as folder:
            figures = BENCHMARKS[name](Path(folder), options_of(arguments))
            show(f"{name} ({time.perf_counter() - started:.0f} s)", figures)


if __name__ == "__main__":
    main()
