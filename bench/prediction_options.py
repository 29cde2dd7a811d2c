"""What the benchmarks of prediction can be told."""

import argparse
from dataclasses import dataclass

SMALL, LARGE = "small", "large"


@dataclass(frozen=True)
class Options:
    """How much is measured.

    ``callers`` ask at once, photos are of ``sizes`` (small: about 400 px, large: 12 megapixels), each side has
    ``rounds`` of ``seconds``. ``models`` are loaded in one service, ``swaps`` replace one of them, ``watchers`` watch
    it, ``burst`` calls come at one instant, ``tuned`` models share ``tuned_budget``. ``rivals`` are names; empty: all.
    """

    callers: tuple[int, ...] = (1, 4, 16)
    sizes: tuple[str, ...] = (SMALL, LARGE)
    rounds: int = 5
    seconds: float = 1.2
    models: tuple[int, ...] = (1, 100, 10_000)
    swaps: int = 100
    watchers: int = 10_000
    burst: int = 5_000
    tuned: int = 1_000
    tuned_budget: str = "100MB"
    rivals: tuple[str, ...] = ()


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options to a command line."""
    default = Options()
    parser.add_argument("--callers", type=_numbers, default=default.callers, help="callers at once, with commas")
    parser.add_argument("--sizes", type=_names, default=default.sizes, help=f"{SMALL}, {LARGE} or both, with commas")
    parser.add_argument("--rounds", type=int, default=default.rounds, help="rounds of each side")
    parser.add_argument("--seconds", type=float, default=default.seconds, help="how long a round is")
    parser.add_argument("--models", type=_numbers, default=default.models, help="models at once, with commas")
    parser.add_argument("--swaps", type=int, default=default.swaps, help="how often a model is replaced")
    parser.add_argument("--watchers", type=int, default=default.watchers, help="streams that only watch")
    parser.add_argument("--burst", type=int, default=default.burst, help="calls at one instant")
    parser.add_argument("--tuned", type=int, default=default.tuned, help="fine-tuned models")
    parser.add_argument("--tuned-budget", default=default.tuned_budget, help="memory that those may take together")
    parser.add_argument("--rivals", type=_names, default=default.rivals, help="other servers' names, with commas")


def options_of(arguments: argparse.Namespace) -> Options:
    """Returns what the command line says."""
    return Options(**{name: getattr(arguments, name) for name in Options.__dataclass_fields__})


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in _names(text))
