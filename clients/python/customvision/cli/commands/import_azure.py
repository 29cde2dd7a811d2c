"""``import-azure``: copies a live Azure Custom Vision project into this suite."""

import shlex
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import typer

from customvision.cli.commands.training_story import own_command
from customvision.cli.display.azure_import import ImportSummary, import_bar, print_import
from customvision.cli.display.console import counted, notes, printable
from customvision.cli.display.tables import print_json
from customvision.cli.failures import EXIT_INTERRUPTED, Failure
from customvision.cli.options import JsonOption

if TYPE_CHECKING:
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
    into: Annotated[
        str,
        typer.Option(help="A project here to add to, whatever it holds.", metavar="NAME-OR-ID", show_default=False),
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Copy a live Azure Custom Vision project: tags, images, metadata.

    Run again, it continues: only what is missing is fetched. A project of the same name that is no copy is let be.
    """
    # Imported here: help, which never needs it, would be slower.
    import asyncio

    if not key:
        raise Failure(f"Give the training key of the Azure resource: --key, or {KEY_VARIABLE} in the environment.")
    if name and into:
        raise Failure("Give --name for a project of its own, or --into for one that is there, not both.")
    summary = ImportSummary()
    try:
        copy = asyncio.run(_copy(endpoint, key, project, summary, name=name, into=into))
    except KeyboardInterrupt:
        notes.print(f"Stopped. {summary.counts()}. What was copied is kept; the same command continues from there.")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    if as_json:
        print_json(summary.record(copy))
    else:
        print_import(summary, shlex.join([own_command(), "retrain", "--project", copy.project.name]))


async def _copy(
    endpoint: str, key: str, project: str, summary: ImportSummary, *, name: str, into: str
) -> "ProjectCopy":
    """Copies project, tags and images, and shows how far it is; ``summary`` tells what became of each image."""
    # Imported here: they bring grpc and httpx along, which help never needs.
    from customvision.client import AsyncClient
    from customvision.client.azure import AzureConnection, copy_images, find_azure_project, prepare_copy

    async with (
        AzureConnection(endpoint, key, on_silence=_tell_silence) as azure,
        AsyncClient(patience_seconds=PATIENCE_SECONDS) as client,
    ):
        source = await find_azure_project(azure, project)
        copy = await prepare_copy(client, source, name, into=into)
        _tell_beginning(source, copy)
        with import_bar(notes) as bar:
            task = bar.add_task("", total=await source.image_count(), counts="")
            async with aclosing(copy_images(client, source, copy)) as images:
                async for image in images:
                    summary.add(image)
                    bar.update(task, advance=1, counts=summary.counts())
    return copy


def _tell_silence(host: str, why: str, seconds: float) -> None:
    notes.print(f"{printable(host)} does not answer ({printable(why)}); trying again in {seconds:g} s.", style="yellow")


def _tell_beginning(source: "AzureProject", copy: "ProjectCopy") -> None:
    verb = "Created" if copy.is_new else "Continuing"
    notes.print(f"{verb} project '{printable(copy.project.name)}'; {counted(copy.new_tags, 'new tag')}.")
    if not copy.has_same_domain:
        notes.print(f"This suite has no domain '{printable(source.domain_name)}'; General is used.", style="yellow")
