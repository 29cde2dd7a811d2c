"""``models``: what the prediction service answers with."""

from typing import TYPE_CHECKING, Annotated

import typer

from customvision.cli.connection import connect
from customvision.cli.display.tables import enum_name, print_json, print_table, record, time_of
from customvision.cli.options import JsonOption
from customvision.v1 import prediction_service_pb2

if TYPE_CHECKING:
    from customvision.client import Client


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""
    app.command()(models)


def models(
    project: Annotated[
        str, typer.Option("--project", "-p", help="Only models of this project, by name or id.", metavar="NAME")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """List the published models as the prediction service has them loaded."""
    with connect() as client:
        project_id = client.find_project(project).project_id if project else ""
        served = list(client.list_models(project_id))
        names = {} if as_json else _project_names(client)
    if as_json:
        print_json([record(model) for model in served])
        return
    print_table(
        ["project", "publish name", "state", "answered by", "loaded", "trouble"],
        [
            (
                names.get(model.project_id, model.project_id),
                model.publish_name,
                enum_name(prediction_service_pb2.ModelState, model.state, "MODEL_STATE_"),
                _answered_by(model),
                time_of(model.load_time),
                model.failure_reason,
            )
            for model in served
        ],
        empty="Nothing is published. `customvision train FOLDER` trains and publishes.",
    )


def _project_names(client: "Client") -> dict[str, str]:
    from customvision.client import CustomVisionError

    try:
        return {project.project_id: project.name for project in client.list_projects()}
    except CustomVisionError:
        # Models are answered for while the project service is away, or with the prediction key only.
        return {}


def _answered_by(model: prediction_service_pb2.ServedModel) -> str:
    if not model.serving_iteration_id:
        return "nothing"
    return "this iteration" if model.serving_iteration_id == model.iteration_id else "an earlier iteration"
