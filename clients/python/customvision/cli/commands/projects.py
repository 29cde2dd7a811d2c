"""``projects``: list, show, create, update, rename, copy, delete."""

import uuid
from typing import Annotated

import typer

from customvision.cli.connection import connect, domain_names, find_domain
from customvision.cli.display.console import counted, output, printable
from customvision.cli.display.tables import enum_name, print_fields, print_json, print_table, record, time_of
from customvision.cli.options import JsonOption, YesOption, confirm
from customvision.v1 import projects_pb2

group = typer.Typer(help="Projects: one classifier in the making each.", no_args_is_help=True)
DomainOption = Annotated[
    str,
    typer.Option(
        metavar="NAME-OR-ID", help="What models rest on; `customvision domains` shows all.", show_default=False
    ),
]
ProjectArgument = Annotated[str, typer.Argument(metavar="PROJECT", help="Name or id.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Adds the group to ``app``."""
    app.add_typer(group, name="projects")


@group.command("list")
def list_projects(as_json: JsonOption = False) -> None:
    """List all projects."""
    with connect() as client:
        projects = list(client.list_projects())
        domains = {} if as_json else domain_names(client)
    if as_json:
        print_json([record(project) for project in projects])
        return
    print_table(
        ["name", "tags", "images", "type", "domain", "created", "id"],
        [
            (
                project.name,
                project.tag_count,
                project.image_count,
                _type(project),
                domains.get(project.domain_id, project.domain_id),
                time_of(project.create_time),
                project.project_id,
            )
            for project in projects
        ],
        empty="There are no projects yet. `customvision train FOLDER` makes one.",
    )


@group.command()
def show(project: ProjectArgument, as_json: JsonOption = False) -> None:
    """Show one project."""
    with connect() as client:
        found = client.find_project(project)
        domains = {} if as_json else domain_names(client)
    if as_json:
        print_json(record(found))
        return
    print_fields(
        [
            ("name", found.name),
            ("id", found.project_id),
            ("description", found.description),
            ("type", _type(found)),
            ("domain", domains.get(found.domain_id, found.domain_id)),
            ("tags", found.tag_count),
            ("images", found.image_count),
            ("created", time_of(found.create_time)),
            ("changed", time_of(found.update_time)),
        ]
    )


@group.command()
def create(
    name: Annotated[str, typer.Argument(help="The project's name.", show_default=False)],
    description: Annotated[str, typer.Option(help="Free text.")] = "",
    multilabel: Annotated[bool, typer.Option("--multilabel", help="Images may carry several tags.")] = False,
    domain: DomainOption = "",
) -> None:
    """Create a project and print its id."""
    kind = projects_pb2.CLASSIFICATION_TYPE_MULTILABEL if multilabel else projects_pb2.CLASSIFICATION_TYPE_MULTICLASS
    request = projects_pb2.CreateProjectRequest(
        name=name, description=description, classification_type=kind, request_id=str(uuid.uuid4())
    )
    with connect() as client:
        if domain:
            request.domain_id = find_domain(client, domain).domain_id
        output.print(client.project.CreateProject(request).project_id)


@group.command()
def update(
    project: ProjectArgument,
    domain: DomainOption = "",
    description: Annotated[str | None, typer.Option(help="Free text.", show_default=False)] = None,
) -> None:
    """Change a project's domain, for trainings to come, or its description."""
    if not domain and description is None:
        raise typer.BadParameter("Say what to change: --domain or --description.")
    with connect() as client:
        found = client.find_project(project)
        request = projects_pb2.UpdateProjectRequest(project_id=found.project_id, description=description)
        if domain:
            request.domain_id = find_domain(client, domain).domain_id
        client.project.UpdateProject(request)
    output.print(f"'{printable(found.name)}' is changed.")


@group.command()
def rename(
    project: ProjectArgument, name: Annotated[str, typer.Argument(help="The new name.", show_default=False)]
) -> None:
    """Give a project another name."""
    with connect() as client:
        found = client.find_project(project)
        client.project.UpdateProject(projects_pb2.UpdateProjectRequest(project_id=found.project_id, name=name))
    output.print(f"'{printable(found.name)}' is now '{printable(name)}'.")


@group.command()
def copy(
    project: ProjectArgument,
    name: Annotated[str, typer.Option(help="The copy's name; otherwise the project's with a number behind it.")] = "",
) -> None:
    """Copy a project with its tags, images and completed iterations, wait until the copy is whole and print its id."""
    with connect() as client:
        found = client.find_project(project)
        begun = client.import_project(client.export_project(found.project_id).token, name)
        output.print(client.wait_until_imported(begun.project_id).project_id)


@group.command()
def delete(project: ProjectArgument, yes: YesOption = False) -> None:
    """Delete a project with its tags, images and iterations. None of them may be published."""
    with connect() as client:
        found = client.find_project(project)
        confirm(f"Delete '{found.name}' with {counted(found.image_count, 'image')} and all its iterations?", yes=yes)
        client.project.DeleteProject(projects_pb2.DeleteProjectRequest(project_id=found.project_id))
    output.print(f"'{printable(found.name)}' is deleted.")


def _type(project: projects_pb2.Project) -> str:
    return enum_name(projects_pb2.ClassificationType, project.classification_type, "CLASSIFICATION_TYPE_")
