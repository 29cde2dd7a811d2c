"""``import-azure``: copies a live Azure Custom Vision project into this suite."""

from typing import TYPE_CHECKING, Annotated

import typer

from customvision.cli.connection import connect
from customvision.cli.display.azure_import import ImportSummary, import_bar, print_import
from customvision.cli.display.console import counted, notes, printable
from customvision.cli.display.tables import print_json
from customvision.cli.failures import EXIT_INTERRUPTED, Failure
from customvision.cli.options import JsonOption

if TYPE_CHECKING:
    from customvision.client import Client
    from customvision.client.azure import AzureProject, ProjectCopy

PATIENCE_SECONDS = 60.0
KEY_VARIABLE = "CUSTOMVISION_AZURE_KEY"


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""
    app.command("import-azure")(import_azure)


def import_azure(
    endpoint: Annotated[
        str, typer.Option(help="Of the training resource: https://NAME.cognitiveservices.azure.com.", metavar="URL")
    ],
    project: Annotated[
        str, typer.Option("--project", "-p", help="The Azure project's name or id.", metavar="NAME-OR-ID")
    ],
    key: Annotated[
        str,
        typer.Option(
            help="The training key; better given in the environment, where no list of processes shows it.",
            envvar=KEY_VARIABLE,
            show_default=False,
        ),
    ] = "",
    name: Annotated[
        str, typer.Option(help="The project here; named as in Azure unless given.", show_default=False)
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Copy a live Azure Custom Vision project: tags, images, metadata.

    Run again, it continues: only what is missing is fetched.
    """
    # Imported here: they bring grpc and httpx along, which help never needs.
    from customvision.client.azure import AzureConnection, find_azure_project, prepare_copy

    if not key:
        raise Failure(f"Give the training key of the Azure resource: --key, or {KEY_VARIABLE} in the environment.")
    with AzureConnection(endpoint, key) as azure, connect(patience_seconds=PATIENCE_SECONDS) as client:
        source = find_azure_project(azure, project)
        copy = prepare_copy(client, source, name)
        _tell_beginning(source, copy)
        summary = copy_with_bar(client, source, copy)
    if as_json:
        print_json(summary.record(copy))
    else:
        print_import(summary, copy)


def copy_with_bar(client: "Client", source: "AzureProject", copy: "ProjectCopy") -> ImportSummary:
    """Copies the images and shows how far it is; Ctrl-C keeps what was copied."""
    from customvision.client.azure import copy_images

    summary = ImportSummary()
    try:
        with import_bar(notes) as bar:
            task = bar.add_task("", total=source.image_count(), counts="")
            for image in copy_images(client, source, copy):
                summary.add(image)
                bar.update(task, advance=1, counts=summary.counts())
    except KeyboardInterrupt:
        notes.print(f"Stopped. {summary.counts()}. What was copied is kept; the same command continues from there.")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    return summary


def _tell_beginning(source: "AzureProject", copy: "ProjectCopy") -> None:
    verb = "Created" if copy.is_new else "Continuing"
    notes.print(f"{verb} project '{printable(copy.project.name)}'; {counted(copy.new_tags, 'new tag')}.")
    if not copy.has_same_domain:
        notes.print(f"This suite has no domain '{printable(source.domain_name)}'; General is used.", style="yellow")
