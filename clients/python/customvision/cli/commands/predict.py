"""``predict``: what a published model says about images."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from customvision.cli.connection import connect
from customvision.cli.display.predictions import PredictedImage, print_predictions
from customvision.cli.display.tables import print_json
from customvision.cli.failures import EXIT_FAILED, Failure
from customvision.cli.options import JsonOption, ProjectOption

if TYPE_CHECKING:
    from customvision.client import Client

# Enough to keep both cores of a small server busy while answers travel.
CONCURRENT_CALLS = 4


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""
    app.command()(predict)


def predict(
    image: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Image files.", show_default=False)],
    project: ProjectOption,
    publish_name: Annotated[
        str, typer.Option("--publish-name", help="The model to ask, where the project has several.")
    ] = "",
    store: Annotated[bool, typer.Option("--store", help="Keep images and answers in the project.")] = False,
    every_tag: Annotated[bool, typer.Option("--all", help="Show every tag, not only the likeliest.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Classify images with a published model. Exit code 1 where an image could not be used."""
    with connect() as client:
        ask = _asker(client, _project_id(client, project), publish_name, store)
        with ThreadPoolExecutor(CONCURRENT_CALLS) as pool:
            answers = list(pool.map(ask, image))
    if as_json:
        print_json([answer.record() for answer in answers])
    else:
        print_predictions(answers, every_tag=every_tag)
    if any(answer.error for answer in answers):
        raise typer.Exit(EXIT_FAILED)


def _project_id(client: "Client", project: str) -> str:
    from customvision.client import CustomVisionError, is_id

    # An id needs no look-up, so that the prediction key alone is enough.
    if is_id(project):
        return project.lower()
    try:
        return client.find_project(project).project_id
    except CustomVisionError as error:
        if error.reason != "SERVICE_UNREACHABLE":
            raise
        raise Failure(
            f"{error.message} Predictions themselves go on without the project service: "
            "give the project's id in place of its name (`customvision models` shows ids)."
        ) from error


def _asker(client: "Client", project_id: str, publish_name: str, store: bool) -> Callable[[Path], PredictedImage]:
    from customvision.client import CustomVisionError

    def ask(path: Path) -> PredictedImage:
        try:
            answer = client.predict(project_id, path, publish_name, store=store)
        except CustomVisionError as error:
            if not error.is_about_image:
                raise
            return PredictedImage(path, [], error.message)
        return PredictedImage(path, list(answer.predictions), "")

    return ask
