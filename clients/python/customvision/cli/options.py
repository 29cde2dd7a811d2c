"""Options and arguments that several commands share."""

import re
from typing import Annotated

import typer

from customvision.cli.display.console import printable

ProjectOption = Annotated[str, typer.Option("--project", "-p", help="The project's name, or its id.", metavar="NAME")]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer with JSON, for programs.")]
IterationArgument = Annotated[
    str, typer.Argument(metavar="ITERATION", help="Name, number, id or publish name.", show_default=False)
]
ThresholdOption = Annotated[
    float | None,
    typer.Option(
        "--threshold", min=0.0, max=1.0, help="A tag counts as predicted from this probability on.", show_default="0.5"
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]


ForceOption = Annotated[bool, typer.Option("--force", help="Train also when nothing changed.")]
AdvancedOption = Annotated[
    bool, typer.Option("--advanced", help="Fine-tune the network itself: takes minutes, and is more accurate.")
]
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_PART_OF_TIME = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)([smh])")


def parse_time(text: str) -> float:
    """Returns the seconds that a time such as ``90s``, ``10m`` or ``1h30m`` means. Raises BadParameter."""
    written = text.strip().lower()
    parts = _PART_OF_TIME.findall(written)
    if not parts or "".join(number + unit for number, unit in parts) != written:
        raise typer.BadParameter(f"'{printable(text)}' is no time such as 90s, 10m or 1h30m.")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


BudgetOption = Annotated[
    float | None,
    typer.Option(
        "--budget",
        help="How long an advanced training may take, such as 10m; 10 minutes unless given.",
        parser=parse_time,
        metavar="TIME",
    ),
]


def confirm(question: str, *, yes: bool) -> None:
    """Asks the user unless ``yes``; ends the command with exit code 1 where the answer is no."""
    if not yes:
        typer.confirm(printable(question), abort=True, err=True)
