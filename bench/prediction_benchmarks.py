"""Prints the figures of prediction: speed, rivals, resources, many models, change, each beside its baseline."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import bursting
import many_models
import resources
import rival_servers
import swapping
import throughput
import tuned_models
import watching
from figures import Figure, show, tell
from material import Material
from prediction_options import add_options, options_of

BENCHMARKS: dict[str, Callable[[Path, Material], list[Figure]]] = {
    "load": throughput.measure,
    "rivals": rival_servers.measure,
    "resources": resources.measure,
    "models": many_models.measure,
    "swaps": swapping.measure,
    "watchers": watching.measure,
    "burst": bursting.measure,
    "memory": tuned_models.measure,
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
    with tempfile.TemporaryDirectory(prefix="customvision-bench-") as shared:
        material = Material(Path(shared), options_of(arguments))
        for name in arguments.parts or BENCHMARKS:
            tell(name)
            started = time.perf_counter()
            with tempfile.TemporaryDirectory(prefix="customvision-bench-") as folder:
                figures = BENCHMARKS[name](Path(folder), material)
                show(f"{name} ({time.perf_counter() - started:.0f} s)", figures)


if __name__ == "__main__":
    main()
