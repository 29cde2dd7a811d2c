"""``train``: from a folder of photos to a published, answering model."""

from pathlib import Path
from typing import Annotated

import typer

from customvision.cli.commands.training_story import train_folder
from customvision.cli.connection import connect
from customvision.cli.display.tables import print_json
from customvision.cli.display.training_report import TrainingReport, print_report
from customvision.cli.options import AdvancedOption, BudgetOption, ForceOption, JsonOption
from customvision.cli.photo_folder import read_photo_folder
from customvision.cli.training_choice import TrainingChoice

# `customvision up` starts a service again after half a minute at most; what was done so far is worth waiting for.
PATIENCE_SECONDS = 60.0


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""
    app.command()(train)


def train(
    folder: Annotated[
        Path, typer.Argument(help="A folder with one sub-folder of photos per class.", show_default=False)
    ],
    project: Annotated[
        str,
        typer.Option(
            "--project", "-p", help="The project's name or id; the folder's name unless given.", metavar="NAME"
        ),
    ] = "",
    publish_name: Annotated[str, typer.Option("--publish-name", help="What predictions ask for.")] = "production",
    advanced: AdvancedOption = False,
    budget: BudgetOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train a classifier on a folder of photos, publish it and report how well it does.

    Run again, it continues the same project: only new photos travel. Photos that were taken out of the folder
    stay in the project; `customvision images delete` removes them.
    """
    choice = TrainingChoice(advanced=advanced, budget_seconds=budget, force=force)
    choice.check()
    photos = read_photo_folder(folder)
    with connect(patience_seconds=PATIENCE_SECONDS) as client:
        report: TrainingReport = train_folder(client, photos, project or photos.name, publish_name, choice)
    if as_json:
        print_json(report.record())
    else:
        print_report(report)
