"""Options and arguments that several commands share."""

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


def confirm(question: str, *, yes: bool) -> None:
    """Asks the user unless ``yes``; ends the command with exit code 1 where the answer is no."""
    if not yes:
        typer.confirm(printable(question), abort=True, err=True)
