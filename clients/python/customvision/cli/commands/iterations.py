"""``iterations``: list, show, rename, delete, publish, unpublish."""

from typing import TYPE_CHECKING, Annotated

import typer

from customvision.cli.commands import evaluation
from customvision.cli.commands.training_story import own_command
from customvision.cli.connection import connect, domain_names, find_iteration
from customvision.cli.display.backbones import backbone_words, print_offer
from customvision.cli.display.console import output, printable
from customvision.cli.display.performance import metrics_words, print_performance
from customvision.cli.display.performance_details import print_details
from customvision.cli.display.tables import enum_name, print_fields, print_json, print_table, record, time_of
from customvision.cli.display.training_requests import (
    brief_training_words,
    budget_words,
    selected_tag_words,
    training_words,
)
from customvision.cli.options import (
    IterationArgument,
    JsonOption,
    ProjectOption,
    ThresholdOption,
    YesOption,
    confirm,
)
from customvision.v1 import iterations_pb2, training_service_pb2

if TYPE_CHECKING:
    from customvision.client import Client

group = typer.Typer(help="Iterations: the trained models of a project.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds the group to ``app``."""
    evaluation.register(group)
    app.add_typer(group, name="iterations")


@group.command("list")
def list_iterations(project: ProjectOption, as_json: JsonOption = False) -> None:
    """List a project's iterations, newest first."""
    with connect() as client:
        found = client.find_project(project)
        iterations = list(client.list_iterations(found.project_id))
        review = None if as_json else _review(client, found.project_id)
        domains = {} if as_json else domain_names(client)
    if as_json:
        print_json([record(iteration) for iteration in iterations])
        return
    print_table(
        [
            "name",
            "status",
            "training",
            "domain",
            "images",
            "precision",
            "recall",
            "average precision",
            "published as",
            "created",
        ],
        [
            (
                iteration.name,
                _status(iteration),
                brief_training_words(iteration),
                domains.get(iteration.domain_id, iteration.domain_id),
                iteration.image_count,
                *(metrics_words(iteration.metrics) if iteration.HasField("metrics") else ("", "", "")),
                iteration.publish_name,
                time_of(iteration.create_time),
            )
            for iteration in iterations
        ],
        empty="The project was not trained yet.",
    )
    if review is not None:
        print_offer(own_command(), project, review)


@group.command()
def show(
    iteration: IterationArgument,
    project: ProjectOption,
    threshold: ThresholdOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one iteration, how it does on each tag, what it takes for what, and how far its figures can be trusted."""
    with connect() as client:
        project_id = client.find_project(project).project_id
        found = find_iteration(client, project_id, iteration)
        domains = {} if as_json else domain_names(client)
        tags = {tag.tag_id: tag.name for tag in client.list_tags(project_id)} if found.selected_tag_ids else {}
        bases = (
            {it.iteration_id: it.name for it in client.list_iterations(project_id)} if found.base_iteration_id else {}
        )
        performance = None
        if found.status == iterations_pb2.ITERATION_STATUS_COMPLETED:
            performance = client.training.GetPerformance(
                training_service_pb2.GetPerformanceRequest(
                    project_id=project_id, iteration_id=found.iteration_id, threshold=threshold
                )
            )
    if as_json:
        print_json({**record(found), "performance": record(performance) if performance is not None else None})
        return
    print_fields(
        [
            ("name", found.name),
            ("id", found.iteration_id),
            ("status", _status(found)),
            ("failed because", found.failure_reason),
            ("published as", found.publish_name),
            ("training", training_words(found)),
            ("budget", budget_words(found.training_budget)),
            ("domain", domains.get(found.domain_id, found.domain_id)),
            ("selected tags", selected_tag_words(found, tags)),
            ("began with", bases.get(found.base_iteration_id, found.base_iteration_id)),
            ("images", found.image_count),
            ("backbone", backbone_words(found.backbone)),
            ("created", time_of(found.create_time)),
            ("ended", time_of(found.end_time)),
            *(("warning", warning) for warning in found.warnings),
        ]
    )
    if performance is not None:
        print_performance(performance)
        print_details(performance)


@group.command()
def rename(
    iteration: IterationArgument,
    name: Annotated[str, typer.Argument(help="The new name.", show_default=False)],
    project: ProjectOption,
) -> None:
    """Give an iteration another name."""
    with connect() as client:
        found = find_iteration(client, client.find_project(project).project_id, iteration)
        client.project.UpdateIteration(
            iterations_pb2.UpdateIterationRequest(
                project_id=found.project_id, iteration_id=found.iteration_id, name=name
            )
        )
    output.print(f"'{printable(found.name)}' is now '{printable(name)}'.")


@group.command()
def delete(iteration: IterationArgument, project: ProjectOption, yes: YesOption = False) -> None:
    """Delete an iteration. It may be neither published nor in training."""
    with connect() as client:
        found = find_iteration(client, client.find_project(project).project_id, iteration)
        confirm(f"Delete '{found.name}' and its model?", yes=yes)
        client.project.DeleteIteration(
            iterations_pb2.DeleteIterationRequest(project_id=found.project_id, iteration_id=found.iteration_id)
        )
    output.print(f"'{printable(found.name)}' is deleted.")


@group.command()
def publish(
    iteration: IterationArgument,
    project: ProjectOption,
    publish_name: Annotated[str, typer.Option("--publish-name", help="What predictions ask for.")] = "production",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Take the name from another iteration.")] = False,
) -> None:
    """Put an iteration into service and wait until it answers."""
    with connect() as client:
        found = find_iteration(client, client.find_project(project).project_id, iteration)
        client.publish(found.project_id, found.iteration_id, publish_name, overwrite=overwrite)
        client.wait_until_served(found.project_id, publish_name, found.iteration_id)
    output.print(f"'{printable(found.name)}' answers as '{printable(publish_name)}'.")


@group.command()
def unpublish(iteration: IterationArgument, project: ProjectOption, yes: YesOption = False) -> None:
    """Take an iteration out of service."""
    with connect() as client:
        found = find_iteration(client, client.find_project(project).project_id, iteration)
        confirm(f"Take '{found.name}' ('{found.publish_name}') out of service?", yes=yes)
        client.project.UnpublishIteration(
            iterations_pb2.UnpublishIterationRequest(project_id=found.project_id, iteration_id=found.iteration_id)
        )
    output.print(f"'{printable(found.name)}' is out of service.")


def _review(client: "Client", project_id: str) -> training_service_pb2.GetBackboneResponse | None:
    from customvision.client import CustomVisionError

    try:
        return client.training.GetBackbone(training_service_pb2.GetBackboneRequest(project_id=project_id))
    except CustomVisionError:
        # Iterations are listed also while the training service is away.
        return None


def _status(iteration: iterations_pb2.Iteration) -> str:
    return enum_name(iterations_pb2.IterationStatus, iteration.status, "ITERATION_STATUS_")
