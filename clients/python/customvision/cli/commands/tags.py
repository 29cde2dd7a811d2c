"""``tags``: list, show, create, rename, delete."""

import uuid
from typing import Annotated

import typer

from customvision.cli.connection import connect, find_tag
from customvision.cli.display.console import counted, output, printable
from customvision.cli.display.tables import enum_name, print_fields, print_json, print_table, record
from customvision.cli.options import JsonOption, ProjectOption, YesOption, confirm
from customvision.v1 import tags_pb2

group = typer.Typer(help="Tags: the classes of a project.", no_args_is_help=True)
TagArgument = Annotated[str, typer.Argument(metavar="TAG", help="Name or id.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Adds the group to ``app``."""
    app.add_typer(group, name="tags")


@group.command("list")
def list_tags(project: ProjectOption, as_json: JsonOption = False) -> None:
    """List a project's tags."""
    with connect() as client:
        tags = list(client.list_tags(client.find_project(project).project_id))
    if as_json:
        print_json([record(tag) for tag in tags])
        return
    print_table(
        ["name", "images", "type", "id"],
        [(tag.name, tag.image_count, _type(tag), tag.tag_id) for tag in tags],
        empty="The project has no tags yet.",
    )


@group.command()
def show(tag: TagArgument, project: ProjectOption, as_json: JsonOption = False) -> None:
    """Show one tag."""
    with connect() as client:
        found = find_tag(client, client.find_project(project).project_id, tag)
    if as_json:
        print_json(record(found))
        return
    print_fields(
        [
            ("name", found.name),
            ("id", found.tag_id),
            ("description", found.description),
            ("type", _type(found)),
            ("images", found.image_count),
        ]
    )


@group.command()
def create(
    name: Annotated[str, typer.Argument(help="The tag's name.", show_default=False)],
    project: ProjectOption,
    description: Annotated[str, typer.Option(help="Free text.")] = "",
    negative: Annotated[bool, typer.Option("--negative", help="For images that show none of the classes.")] = False,
) -> None:
    """Create a tag and print its id."""
    with connect() as client:
        request = tags_pb2.CreateTagRequest(
            project_id=client.find_project(project).project_id,
            name=name,
            description=description,
            type=tags_pb2.TAG_TYPE_NEGATIVE if negative else tags_pb2.TAG_TYPE_REGULAR,
            request_id=str(uuid.uuid4()),
        )
        output.print(client.project.CreateTag(request).tag_id)


@group.command()
def rename(
    tag: TagArgument,
    name: Annotated[str, typer.Argument(help="The new name.", show_default=False)],
    project: ProjectOption,
) -> None:
    """Give a tag another name. Models that are trained already keep the old one."""
    with connect() as client:
        project_id = client.find_project(project).project_id
        found = find_tag(client, project_id, tag)
        client.project.UpdateTag(tags_pb2.UpdateTagRequest(project_id=project_id, tag_id=found.tag_id, name=name))
    output.print(f"'{printable(found.name)}' is now '{printable(name)}'.")


@group.command()
def delete(tag: TagArgument, project: ProjectOption, yes: YesOption = False) -> None:
    """Delete a tag. Its images stay and lose it."""
    with connect() as client:
        project_id = client.find_project(project).project_id
        found = find_tag(client, project_id, tag)
        confirm(f"Delete the tag '{found.name}' of {counted(found.image_count, 'image')}?", yes=yes)
        client.project.DeleteTag(tags_pb2.DeleteTagRequest(project_id=project_id, tag_id=found.tag_id))
    output.print(f"'{printable(found.name)}' is deleted.")


def _type(tag: tags_pb2.Tag) -> str:
    return enum_name(tags_pb2.TagType, tag.type, "TAG_TYPE_")
