"""Options and arguments that several commands share."""

from typing import Annotated

import typer

from customvision.cli.display.console import printable

ProjectOption = Annotated[str, typer.Option("--project", "-p", help="The project's name, or its id.", metavar="NAME")]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer with JSON, for programs.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]


def confirm(question: str, *, yes: bool) -> None:
    """Asks the user unless ``yes``; ends the command with exit code 1 where the answer is no."""
    if not yes:
        typer.confirm(printable(question), abort=True, err=True)
