"""How figures are printed: what, how much, and what it is held against."""

import sys
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """One line: what was measured, the value with its unit, the baseline of the same run, and the goal."""

    what: str
    value: str
    baseline: str = ""
    goal: str = ""


def show(title: str, figures: list[Figure]) -> None:
    """Prints a table of figures."""
    table = Table("measured", "value", "baseline, same run", "goal", title=title, title_justify="left")
    for figure in figures:
        table.add_row(figure.what, figure.value, figure.baseline, figure.goal)
    Console(width=120).print(table)


def tell(progress: str) -> None:
    """Says on standard error how far a benchmark has come."""
    sys.stderr.write(f"  {progress}\n")
    sys.stderr.flush()
