"""What the benchmarks of training can be told."""

import argparse
from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """``draws`` of each data set and size, ``advanced_draws`` of each data set.

    ``guide_everywhere`` runs the Keras guide's recipe on every draw; ``data_sets`` are the names to stay with, empty:
    all; ``sizes`` are photos per class; ``growth`` are images in all; ``budget_seconds`` is what advanced training may
    take, None: what the product gives it.
    """

    draws: int = 3
    advanced_draws: int = 1
    guide_everywhere: bool = False
    data_sets: tuple[str, ...] = ()
    sizes: tuple[int, ...] = (5, 10, 30)
    growth: tuple[int, ...] = (100, 1_000, 10_000)
    budget_seconds: float | None = None


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options to a command line."""
    default = Options()
    parser.add_argument("--draws", type=int, default=default.draws, help="draws of each data set and size")
    parser.add_argument(
        "--advanced-draws", type=int, default=default.advanced_draws, help="draws for advanced training"
    )
    parser.add_argument(
        "--guide-everywhere", action="store_true", help="run the Keras guide on every data set and draw"
    )
    parser.add_argument("--data-sets", type=_names, default=(), help="names, with commas; without it, all")
    parser.add_argument("--sizes", type=_numbers, default=default.sizes, help="photos per class, with commas")
    parser.add_argument("--growth", type=_numbers, default=default.growth, help="images in all, with commas")
    parser.add_argument("--budget", type=float, help="seconds that advanced training may take; without it, the usual")


def options_of(arguments: argparse.Namespace) -> Options:
    """Returns what the command line says."""
    return Options(
        draws=arguments.draws,
        advanced_draws=arguments.advanced_draws,
        guide_everywhere=arguments.guide_everywhere,
        data_sets=arguments.data_sets,
        sizes=arguments.sizes,
        growth=arguments.growth,
        budget_seconds=arguments.budget,
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in _names(text))
