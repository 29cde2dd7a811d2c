"""``backbone`` and ``retrain``: the frozen network that models rest on, and training again when it got better."""

import time
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from customvision.cli.commands.train import PATIENCE_SECONDS
from customvision.cli.commands.training_story import own_command, train_project
from customvision.cli.connection import connect, find_domain
from customvision.cli.display.backbones import backbone_words, print_offer
from customvision.cli.display.console import notes, output, printable
from customvision.cli.display.tables import print_fields, print_json, record
from customvision.cli.display.training_report import print_report
from customvision.cli.failures import Failure
from customvision.cli.options import AdvancedOption, BudgetOption, ForceOption, JsonOption, ProjectOption
from customvision.cli.training_choice import TrainingChoice
from customvision.v1 import iterations_pb2, projects_pb2, training_service_pb2

if TYPE_CHECKING:
    from customvision.client import Client

POLL_SECONDS = 0.2

Review = tuple[projects_pb2.Project, training_service_pb2.GetBackboneResponse]


def register(app: typer.Typer) -> None:
    """Adds the commands to ``app``."""
    app.command()(backbone)
    app.command()(retrain)


def backbone(
    project: Annotated[
        str, typer.Option("--project", "-p", help="Only this project, by name or id.", metavar="NAME")
    ] = "",
    domain: Annotated[
        str,
        typer.Option(help="The projects of this domain, by name or id.", metavar="NAME"),
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Show the backbone that the next training uses, and which published models would gain from training again."""
    if project and domain:
        raise typer.BadParameter("Name a project or a domain, not both.")
    with connect() as client:
        if project:
            found = client.find_project(project)
            current = _review(client, found.project_id)
            reviews = [(found, current)]
        else:
            domain_id = find_domain(client, domain).domain_id if domain else ""
            current = client.training.GetBackbone(training_service_pb2.GetBackboneRequest(domain_id=domain_id))
            concerned = [found for found in client.list_projects() if domain_id in ("", found.domain_id)]
            reviews = [(found, _review(client, found.project_id)) for found in concerned]
    if as_json:
        print_json({**record(current), **_offers(reviews)})
        return
    if current.failure_reason:
        output.print(printable(current.failure_reason))
    elif not current.backbone.backbone_id:
        output.print("The backbone is being made ready. Ask again in a few seconds.")
    print_fields(
        [
            ("backbone", backbone_words(current.backbone)),
            ("id", current.backbone.backbone_id),
            ("warning", current.warning),
        ]
    )
    names = Counter(found.name for found, _ in reviews)
    for found, review in reviews:
        print_offer(own_command(), found.name if names[found.name] == 1 else found.project_id, review)


def _offers(reviews: list[Review]) -> dict[str, Any]:
    def told(field: str) -> list[dict[str, Any]]:
        return [
            {"project_id": project.project_id, "project_name": project.name, **record(iteration)}
            for project, review in reviews
            for iteration in getattr(review, field)
        ]

    return {field: told(field) for field in ("improvable_iterations", "renewed_iterations")}


def _review(client: "Client", project_id: str) -> training_service_pb2.GetBackboneResponse:
    return client.training.GetBackbone(training_service_pb2.GetBackboneRequest(project_id=project_id))


def retrain(
    project: ProjectOption,
    publish_name: Annotated[
        str, typer.Option("--publish-name", help="What predictions ask for; the only name there is unless given.")
    ] = "",
    advanced: AdvancedOption = False,
    budget: BudgetOption = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", help="Train only this tag, and others named so; may be repeated.", metavar="NAME"),
    ] = None,
    base: Annotated[
        str,
        typer.Option(
            "--base", help="The iteration whose network an advanced training begins with.", metavar="ITERATION"
        ),
    ] = "",
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train a project again on the images that it holds, publish the model and report how well it does.

    Worth while when a better backbone is there, or images were added or tagged otherwise. Names that the project's
    other iterations answer under stay with them.
    """
    TrainingChoice(advanced, budget, base=base).check()
    with connect(patience_seconds=PATIENCE_SECONDS) as client:
        found = client.find_project(project)
        iterations = list(client.list_iterations(found.project_id))
        name = publish_name or _only_publish_name(iterations)
        _wait_for_backbone(client, found.project_id)
        needed = force or _newest_answers_otherwise(iterations, name)
        choice = TrainingChoice(advanced, budget, tags=tuple(tag or ()), base=base, force=needed)
        report = train_project(client, found, name, choice)
    if as_json:
        print_json(report.record())
    else:
        print_report(report)


def _only_publish_name(iterations: list[iterations_pb2.Iteration]) -> str:
    """Returns the name that the project is published under; the usual one where there is none. Raises Failure."""
    names = sorted(iteration.publish_name for iteration in iterations if iteration.publish_name)
    if len(names) > 1:
        raise Failure(f"The project is published as {', '.join(names)}. Say which one to renew with --publish-name.")
    return names[0] if names else "production"


def _newest_answers_otherwise(iterations: list[iterations_pb2.Iteration], publish_name: str) -> bool:
    # An iteration has one name only: where nothing changed, publishing the newest would take its own from it.
    completed = [found for found in iterations if found.status == iterations_pb2.ITERATION_STATUS_COMPLETED]
    return bool(completed) and completed[0].publish_name not in ("", publish_name)


def _wait_for_backbone(client: "Client", project_id: str) -> None:
    # Until it is known, a new backbone does not count as a change.
    deadline = time.monotonic() + PATIENCE_SECONDS
    with notes.status("the backbone is being made ready"):
        while time.monotonic() < deadline:
            current = _review(client, project_id)
            if current.failure_reason or current.HasField("backbone"):
                return
            time.sleep(POLL_SECONDS)
