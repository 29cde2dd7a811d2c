"""The story of ``train``: project, tags, upload, run, publication, each a chapter that tells what it does."""

import shlex
import shutil
import sys
import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from customvision.cli.display.console import counted, notes, printable
from customvision.cli.display.training import training_display
from customvision.cli.display.training_report import TrainingReport
from customvision.cli.display.upload import UploadSummary, print_upload, upload_bar
from customvision.cli.failures import EXIT_INTERRUPTED, Failure
from customvision.cli.photo_folder import PhotoFolder
from customvision.cli.training_choice import TrainingChoice
from customvision.cli.training_progress import TrainingProgress
from customvision.v1 import iterations_pb2, projects_pb2, tags_pb2, training_service_pb2

if TYPE_CHECKING:
    from customvision.client import Client

# Enough for a prediction service that is started again, and for its load after that.
SERVED_SECONDS = 90.0


def train_folder(
    client: "Client", photos: PhotoFolder, project_name: str, publish_name: str, choice: TrainingChoice
) -> TrainingReport:
    """Uploads what is new, trains, publishes and waits until the new model answers.

    Raises Failure, CustomVisionError.
    """
    for remark in photos.remarks:
        notes.print(printable(remark), style="yellow")
    project = find_or_create_project(client, project_name, photos)
    upload = upload_photos(client, project, photos)
    report = train_project(client, project, publish_name, choice)
    example = example_of(photos, upload)
    command = command_to_try(client, project, project_name, publish_name, example)
    return replace(report, upload=upload, command=command)


def train_project(
    client: "Client", project: projects_pb2.Project, publish_name: str, choice: TrainingChoice
) -> TrainingReport:
    """Trains on the images that the project holds, publishes and waits until the new model answers.

    Raises Failure, CustomVisionError.
    """
    iteration_id, progress = train(client, project, choice)
    iteration = client.project.GetIteration(
        iterations_pb2.GetIterationRequest(project_id=project.project_id, iteration_id=iteration_id)
    )
    if iteration.publish_name != publish_name:
        iteration = client.publish(project.project_id, iteration_id, publish_name, overwrite=True)
    client.wait_until_served(project.project_id, publish_name, iteration_id, timeout_seconds=SERVED_SECONDS)
    performance = client.training.GetPerformance(
        training_service_pb2.GetPerformanceRequest(project_id=project.project_id, iteration_id=iteration_id)
    )
    return TrainingReport(project, iteration, performance, progress)


def find_or_create_project(client: "Client", name: str, photos: PhotoFolder) -> projects_pb2.Project:
    """Returns the project to train, made where there is none. Raises Failure where one class cannot make a project."""
    from customvision.client import CustomVisionError, is_id

    try:
        project = client.find_project(name)
    except CustomVisionError as error:
        # An id is never made up by users: it names a project that is gone.
        if error.reason != "PROJECT_NOT_FOUND" or is_id(name):
            raise
    else:
        notes.print(f"Continuing project '{printable(project.name)}' ({counted(project.image_count, 'image')}).")
        return project
    if len(photos.classes) == 1:
        only = printable(next(iter(photos.classes)))
        raise Failure(f"{photos.path} has one class only, '{only}'; there is nothing to tell it from. Add another.")
    request = projects_pb2.CreateProjectRequest(name=name, request_id=str(uuid.uuid4()))
    project = client.project.CreateProject(request)
    notes.print(f"Created project '{printable(project.name)}'.")
    return project


def upload_photos(client: "Client", project: projects_pb2.Project, photos: PhotoFolder) -> UploadSummary:
    """Uploads every class under its tag and tells what became of the files."""
    tag_ids = {tag.name: tag.tag_id for tag in client.list_tags(project.project_id)}
    summary = UploadSummary(photos.path)
    try:
        with upload_bar(notes) as bar:
            task = bar.add_task("", total=photos.file_count, counts="")
            for name, files in photos.classes.items():
                tag_id = tag_ids.get(name) or create_tag(client, project, name)
                for image in client.upload_images(project.project_id, files, [tag_id]):
                    summary.add(image)
                    bar.update(task, advance=1, counts=summary.counts())
    except KeyboardInterrupt:
        notes.print("Stopped. What was uploaded is kept; the same command continues from there.")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    print_upload(notes, summary)
    return summary


def create_tag(client: "Client", project: projects_pb2.Project, name: str) -> str:
    """Makes a tag and returns its id."""
    request = tags_pb2.CreateTagRequest(project_id=project.project_id, name=name, request_id=str(uuid.uuid4()))
    return client.project.CreateTag(request).tag_id


def train(
    client: "Client", project: projects_pb2.Project, choice: TrainingChoice
) -> tuple[str, TrainingProgress | None]:
    """Trains until the run has succeeded; returns the iteration and how the run went.

    Where nothing changed since the last iteration, returns that one and None. Raises Failure where the run does
    not succeed; Ctrl-C leaves it running.
    """
    from customvision.client import CustomVisionError

    follow_run_under_way(client, project)
    try:
        run = choice.start(client, project)
    except CustomVisionError as error:
        if error.reason != "NOTHING_CHANGED":
            raise
        notes.print(f"{printable(error.message.removesuffix('.'))} with --force.")
        return error.metadata["iteration_id"], None
    notes.print(f"Training '{printable(run.iteration_name)}' (run {run.training_run_id}).")
    progress = follow(client, run.training_run_id)
    check_succeeded(progress)
    return run.iteration_id, progress


def follow_run_under_way(client: "Client", project: projects_pb2.Project) -> None:
    """Shows a run of the project that an earlier command started, until it has ended."""
    for run in client.list_training_runs(project.project_id):
        if run.state in (training_service_pb2.TRAINING_STATE_QUEUED, training_service_pb2.TRAINING_STATE_RUNNING):
            notes.print(f"'{printable(run.iteration_name)}' is being trained (run {run.training_run_id}); watching it.")
            follow(client, run.training_run_id)
            return


def check_succeeded(progress: TrainingProgress) -> None:
    """Raises Failure, with the reason, where a run ended without a model."""
    match progress.state:
        case training_service_pb2.TRAINING_STATE_SUCCEEDED:
            return
        case training_service_pb2.TRAINING_STATE_CANCELLED:
            raise Failure(f"The run was cancelled. {progress.reason}".strip())
        case _:
            raise Failure(f"The run failed: {progress.reason}")


def follow(client: "Client", training_run_id: str) -> TrainingProgress:
    """Shows a run from its first event to its last; Ctrl-C leaves it running and says how to come back."""
    progress = TrainingProgress()
    try:
        with training_display(notes, progress) as display:
            for event in client.watch_training(training_run_id):
                display.show(event)
    except KeyboardInterrupt:
        notes.print(
            f"The run goes on. `customvision watch {training_run_id}` shows it again, "
            f"`customvision cancel {training_run_id}` ends it."
        )
        raise typer.Exit(EXIT_INTERRUPTED) from None
    return progress


def example_of(photos: PhotoFolder, upload: UploadSummary) -> Path:
    """Returns a photo of the folder that can be read, to try the model on."""
    files = (file for class_files in photos.classes.values() for file in class_files)
    return next((file for file in files if file not in upload.unusable), photos.path)


def command_to_try(
    client: "Client", project: projects_pb2.Project, project_name: str, publish_name: str, example: Path
) -> str:
    """Returns the command that asks the new model about a photo."""
    words = [own_command(), "predict", "--project", project_name]
    if len(list(client.list_models(project.project_id))) > 1:
        words += ["--publish-name", publish_name]
    return shlex.join([*words, str(example)])


def own_command() -> str:
    """Returns how this program can be started again: by its name where the shell finds it, else by its path."""
    found = shutil.which("customvision")
    started_as = sys.argv[0]
    is_found = found is not None and Path(started_as).exists() and Path(found).samefile(started_as)
    return "customvision" if is_found else started_as
