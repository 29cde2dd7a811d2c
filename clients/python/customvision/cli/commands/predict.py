"""``predict``: what a published model says about images."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from customvision.cli.connection import connect
from customvision.cli.display.predictions import PredictedImage, asking_bar, print_predictions
from customvision.cli.display.tables import print_json
from customvision.cli.failures import EXIT_FAILED, Failure
from customvision.cli.options import JsonOption, ProjectOption

if TYPE_CHECKING:
    from customvision.client import Client, ImageAnswer


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
        answers = _answers(client, _project_id(client, project), image, publish_name, store)
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


def _answers(
    client: "Client", project_id: str, images: Sequence[Path], publish_name: str, store: bool
) -> list[PredictedImage]:
    """Returns the answers in the order of the images. Raises the first error that is not about an image."""
    answers: dict[int, PredictedImage] = {}
    bar = asking_bar()
    with bar:
        task = bar.add_task("", total=len(images))
        for answer in client.predict_stream(project_id, images, publish_name, store=store):
            answers[answer.index] = _predicted(images[answer.index], answer)
            bar.update(task, completed=len(answers))
    return [answers[index] for index in range(len(images))]


def _predicted(path: Path, answer: "ImageAnswer") -> PredictedImage:
    if answer.response is not None:
        return PredictedImage(path, list(answer.response.predictions), "")
    if answer.error is not None and answer.error.is_about_image:
        return PredictedImage(path, [], answer.error.message)
    raise answer.error or Failure("The service answered neither tags nor an error.")
