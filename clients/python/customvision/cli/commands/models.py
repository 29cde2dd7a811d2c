"""``models``: what the prediction service answers with."""

import json
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from customvision.cli.connection import connect
from customvision.cli.display.console import output, printable
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
    watch: Annotated[bool, typer.Option("--watch", help="Go on and tell each change, until Ctrl-C.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the published models as the prediction service has them loaded."""
    with connect() as client:
        project_id = client.find_project(project).project_id if project else ""
        if watch:
            _follow(client, project_id, as_json=as_json)
        served = list(client.list_models(project_id))
        names = {} if as_json else _project_names(client)
    if as_json:
        print_json([record(model) for model in served])
        return
    print_table(
        ["project", "publish name", "state", "answered by", "in memory", "loaded", "last asked", "trouble"],
        [
            (
                names.get(model.project_id, model.project_id),
                model.publish_name,
                _state(model),
                _answered_by(model),
                _memory(model),
                time_of(model.load_time),
                time_of(model.last_use_time),
                model.failure_reason,
            )
            for model in served
        ],
        empty="Nothing is published. `customvision train FOLDER` trains and publishes.",
    )


def _follow(client: "Client", project_id: str, *, as_json: bool) -> NoReturn:
    """Prints a line for each model, then one for each change."""
    names = {} if as_json else _project_names(client)
    for event in client.watch_models(project_id):
        kind = event.WhichOneof("event")
        if as_json:
            output.print(json.dumps({kind: record(getattr(event, str(kind)))}), soft_wrap=True)
        elif kind == "model":
            model = event.model
            name = f"{names.get(model.project_id, model.project_id)}/{model.publish_name}"
            words = f"{_state(model)}, answered by {_answered_by(model)}"
            trouble = f": {model.failure_reason}" if model.failure_reason else ""
            output.print(printable(f"{name}  {words}{trouble}"), soft_wrap=True)
        elif kind == "removed":
            removed = event.removed
            name = f"{names.get(removed.project_id, removed.project_id)}/{removed.publish_name}"
            output.print(printable(f"{name}  published no more"), soft_wrap=True)
    raise AssertionError("a watch of models has no end")


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


def _state(model: prediction_service_pb2.ServedModel) -> str:
    return enum_name(prediction_service_pb2.ModelState, model.state, "MODEL_STATE_")


def _memory(model: prediction_service_pb2.ServedModel) -> str:
    if not model.serving_iteration_id:
        return ""
    return f"{model.memory_bytes / 1000:,.0f} kB" + ("" if model.resident else ", the rest when asked")
