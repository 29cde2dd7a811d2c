"""``iterations results``, ``compare`` and ``evaluate``: how iterations do, looked at more closely."""

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from customvision.cli.connection import connect, find_iteration, find_tag
from customvision.cli.display.console import counted, notes, printable
from customvision.cli.display.image_results import print_comparison, print_results
from customvision.cli.display.performance import print_performance
from customvision.cli.display.performance_details import print_details
from customvision.cli.display.tables import print_json, record
from customvision.cli.failures import Failure
from customvision.cli.options import IterationArgument, JsonOption, ProjectOption, ThresholdOption
from customvision.cli.photo_folder import PhotoFolder, read_photo_folder
from customvision.v1 import iterations_pb2, projects_pb2, training_service_pb2

if TYPE_CHECKING:
    from customvision.client import Client, LabelledImage

LISTED_WRONG = 20
DEFAULT_THRESHOLD = 0.5


def register(app: typer.Typer) -> None:
    """Adds the commands to ``app``."""
    app.command()(results)
    app.command()(compare)
    app.command()(evaluate)


def results(
    iteration: IterationArgument,
    project: ProjectOption,
    wrong: Annotated[bool, typer.Option("--wrong", help="Only images that were told wrong.")] = False,
    tag: Annotated[str, typer.Option("--tag", help="Only images that carry this tag.", metavar="NAME")] = "",
    taken_for: Annotated[
        str, typer.Option("--taken-for", help="Only images that this tag was found likeliest for.", metavar="NAME")
    ] = "",
    threshold: ThresholdOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="The number of images to list.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """List what an iteration answers to its held-out images, the surest errors first."""
    with connect() as client:
        owner = client.find_project(project)
        project_id = owner.project_id
        found = find_iteration(client, project_id, iteration)
        listed = client.list_image_results(
            project_id,
            found.iteration_id,
            wrong_only=wrong,
            tag_id=find_tag(client, project_id, tag).tag_id if tag else "",
            taken_for_tag_id=find_tag(client, project_id, taken_for).tag_id if taken_for else "",
            threshold=threshold,
        )
        chosen = list(itertools.islice(listed, limit))
        more = next(listed, None) is not None
    if as_json:
        print_json([record(result) for result in chosen])
    else:
        several = owner.classification_type == projects_pb2.CLASSIFICATION_TYPE_MULTILABEL
        given = DEFAULT_THRESHOLD if threshold is None else threshold
        print_results(chosen, threshold=given if several else None, empty="There is no such image.")
    if more:
        notes.print(f"There are more than these {limit}; --limit shows them.", style="yellow")


def compare(
    iteration: IterationArgument,
    other: IterationArgument,
    project: ProjectOption,
    threshold: ThresholdOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold an iteration against another on the images that neither learned from."""
    with connect() as client:
        project_id = client.find_project(project).project_id
        one, two = (find_iteration(client, project_id, text) for text in (iteration, other))
        comparison = client.training.CompareIterations(
            training_service_pb2.CompareIterationsRequest(
                project_id=project_id,
                iteration_id=one.iteration_id,
                other_iteration_id=two.iteration_id,
                threshold=threshold,
            )
        )
    if as_json:
        print_json(record(comparison))
    else:
        print_comparison(comparison, one.name, two.name)


def evaluate(
    folder: Annotated[
        Path, typer.Argument(help="A folder with one sub-folder of photos per class.", show_default=False)
    ],
    project: ProjectOption,
    iteration: Annotated[
        str,
        typer.Option(
            "--iteration", "-i", help="Name, number, id or publish name; the newest model unless given.", metavar="NAME"
        ),
    ] = "",
    threshold: ThresholdOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure an iteration on photos of your own that it never saw. Nothing of them is kept."""
    photos = read_photo_folder(folder)
    for remark in photos.remarks:
        notes.print(printable(remark), style="yellow")
    with connect() as client:
        found = _iteration_to_measure(client, client.find_project(project).project_id, iteration)
        bar = _sending_bar()
        with bar:
            task = bar.add_task("", total=photos.file_count)
            answer = client.evaluate_iteration(
                found.project_id,
                found.iteration_id,
                _labelled(photos),
                threshold=threshold,
                on_sent=lambda count: bar.update(task, completed=count),
            )
    if as_json:
        print_json(record(answer))
    else:
        _print_answer(found, answer)
    for image_id in answer.unreadable_image_ids:
        notes.print(f"left out, no readable image: {printable(image_id)}", style="yellow", soft_wrap=True)


def _iteration_to_measure(client: "Client", project_id: str, text: str) -> iterations_pb2.Iteration:
    if text:
        return find_iteration(client, project_id, text)
    for iteration in client.list_iterations(project_id):
        if iteration.status == iterations_pb2.ITERATION_STATUS_COMPLETED:
            return iteration
    raise Failure("The project has no trained model yet. `customvision train FOLDER` makes one.")


def _labelled(photos: PhotoFolder) -> "list[LabelledImage]":
    from customvision.client import LabelledImage

    return [
        LabelledImage(_as_text(f"{name}/{path.name}"), path, [_as_text(name)])
        for name, paths in photos.classes.items()
        for path in paths
    ]


def _as_text(name: str) -> str:
    # What is not valid Unicode cannot travel.
    return name.encode("utf-8", "replace").decode()


def _sending_bar() -> Progress:
    return Progress(
        TextColumn("sending", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=notes,
        disable=not notes.is_terminal,
    )


def _print_answer(iteration: iterations_pb2.Iteration, answer: training_service_pb2.EvaluateIterationResponse) -> None:
    notes.print(f"'{printable(iteration.name)}' on photos of your own:")
    print_performance(answer.performance, measured_on="test")
    print_details(answer.performance)
    wrong = [result for result in answer.results if not result.right]
    if wrong:
        several = not answer.performance.HasField("confusion")
        threshold = answer.performance.threshold if several else None
        print_results(wrong[:LISTED_WRONG], threshold=threshold, empty="")
    if len(wrong) > LISTED_WRONG:
        notes.print(f"{counted(len(wrong), 'image')} were told wrong; --json lists all.", style="yellow")
