"""``runs``, ``watch``, ``cancel``: training runs."""

from typing import Annotated

import typer

from customvision.cli.commands.training_story import check_succeeded, follow
from customvision.cli.connection import connect
from customvision.cli.display.console import notes, output
from customvision.cli.display.performance import metrics_words
from customvision.cli.display.tables import enum_name, print_json, print_table, record, time_of
from customvision.cli.options import JsonOption
from customvision.v1 import iterations_pb2, training_service_pb2

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="The id of a training run.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Adds the commands to ``app``."""
    app.command()(runs)
    app.command()(watch)
    app.command()(cancel)


def runs(
    project: Annotated[
        str, typer.Option("--project", "-p", help="Only runs of this project, by name or id.", metavar="NAME")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """List training runs, newest first."""
    with connect() as client:
        project_id = client.find_project(project).project_id if project else ""
        found = list(client.list_training_runs(project_id))
    if as_json:
        print_json([record(run) for run in found])
        return
    print_table(
        ["run", "iteration", "type", "state", "started", "ended", "trouble"],
        [
            (
                run.training_run_id,
                run.iteration_name,
                enum_name(iterations_pb2.TrainingType, run.training_type, "TRAINING_TYPE_"),
                _state(run.state),
                time_of(run.start_time),
                time_of(run.end_time),
                run.failure_reason,
            )
            for run in found
        ],
        empty="Nothing was trained yet. `customvision train FOLDER` does.",
    )


def watch(run: RunArgument) -> None:
    """Follow a training run: before, while and after it runs. Exit code 1 where it did not succeed."""
    with connect() as client:
        progress = follow(client, run)
    check_succeeded(progress)
    output.print("The run succeeded.")
    if progress.metrics is not None:
        precision, recall, average = metrics_words(progress.metrics)
        output.print(
            f"precision {precision} · recall {recall} · average precision {average} · "
            f"{progress.metrics.held_out_image_count} held-out images"
        )


def cancel(run: RunArgument) -> None:
    """Ask a training run to stop. One that has ended stays as it is."""
    with connect() as client:
        request = training_service_pb2.CancelTrainingRequest(training_run_id=run)
        state = client.training.CancelTraining(request).state
    if state in (training_service_pb2.TRAINING_STATE_SUCCEEDED, training_service_pb2.TRAINING_STATE_FAILED):
        notes.print(f"The run had ended already: {_state(state)}.")
    else:
        notes.print(f"The run is {_state(state)}.")


def _state(state: int) -> str:
    return enum_name(training_service_pb2.TrainingState, state, "TRAINING_STATE_")
