"""``images``: list, show, delete, tag, untag, download."""

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from customvision.cli.connection import connect, find_tags
from customvision.cli.display.console import counted, notes, output, printable
from customvision.cli.display.tables import print_fields, print_json, print_table, record, time_of
from customvision.cli.options import JsonOption, ProjectOption, YesOption, confirm
from customvision.cli.output_file import OutputOption, OverwriteOption, target_of, told_how_to_overwrite
from customvision.v1 import images_pb2

if TYPE_CHECKING:
    from customvision.client import Client

MAX_IDS = 1000
group = typer.Typer(help="Images of a project.", no_args_is_help=True)
ImageArgument = Annotated[str, typer.Argument(metavar="IMAGE", help="An image id.", show_default=False)]
ImagesArgument = Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Image ids.", show_default=False)]
TagsOption = Annotated[list[str], typer.Option("--tag", "-t", help="A tag's name or id; may be repeated.")]


def register(app: typer.Typer) -> None:
    """Adds the group to ``app``."""
    app.add_typer(group, name="images")


@group.command("list")
def list_images(
    project: ProjectOption,
    tag: Annotated[list[str] | None, typer.Option("--tag", "-t", help="Only images with one of these tags.")] = None,
    untagged: Annotated[bool, typer.Option("--untagged", help="Only images without any tag.")] = False,
    metadata: Annotated[
        str, typer.Option("--filter", help="Only images whose metadata match, such as: split eq 'test'.")
    ] = "",
    limit: Annotated[int, typer.Option(min=0, help="At most so many; 0 for all.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """List a project's images, oldest first."""
    status = images_pb2.TAGGING_STATUS_UNTAGGED if untagged else images_pb2.TAGGING_STATUS_UNSPECIFIED
    with connect() as client:
        project_id = client.find_project(project).project_id
        tag_ids = [found.tag_id for found in find_tags(client, project_id, tag or [])]
        names = _tag_names(client, project_id)
        found = client.list_images(project_id, tag_ids=tag_ids, tagging_status=status, metadata_filter=metadata)
        images = list(itertools.islice(found, limit or None))
        more = bool(limit) and next(found, None) is not None
    if as_json:
        print_json([record(image) for image in images])
    else:
        print_table(
            ["file", "tags", "size", "added", "id"],
            [
                (
                    image.file_name,
                    _joined(image, names),
                    f"{image.width} × {image.height}",
                    time_of(image.create_time),
                    image.image_id,
                )
                for image in images
            ],
            empty="There are no such images.",
        )
    if more:
        notes.print(f"There are more than these {limit}; --limit 0 lists all.")


@group.command()
def show(image: ImageArgument, project: ProjectOption, as_json: JsonOption = False) -> None:
    """Show one image's record."""
    with connect() as client:
        project_id = client.find_project(project).project_id
        found = client.project.GetImage(images_pb2.GetImageRequest(project_id=project_id, image_id=image))
        names = _tag_names(client, project_id)
    if as_json:
        print_json(record(found))
        return
    print_fields(
        [
            ("file", found.file_name),
            ("id", found.image_id),
            ("tags", _joined(found, names)),
            ("size", f"{found.width} × {found.height}"),
            ("stored", f"{found.content_type}, {found.size_bytes:,} bytes"),
            ("added", time_of(found.create_time)),
            ("metadata", ", ".join(f"{key}: {found.metadata[key]}" for key in sorted(found.metadata))),
            ("sha256 of the file", found.source_sha256),
        ]
    )


@group.command()
def delete(
    image: ImagesArgument,
    project: ProjectOption,
    all_iterations: Annotated[
        bool, typer.Option("--all-iterations", help="Also from the data sets of past iterations.")
    ] = False,
    yes: YesOption = False,
) -> None:
    """Take images out of a project's data set."""
    confirm(f"Delete {counted(len(image), 'image')}?", yes=yes)
    deleted = 0
    with connect() as client:
        project_id = client.find_project(project).project_id
        for ids in _chunks(image):
            request = images_pb2.DeleteImagesRequest(
                project_id=project_id, image_ids=ids, all_iterations=all_iterations
            )
            deleted += client.project.DeleteImages(request).deleted_count
    output.print(f"{counted(deleted, 'image')} deleted.")


@group.command("tag")
def tag_images(image: ImagesArgument, project: ProjectOption, tag: TagsOption) -> None:
    """Give tags to images: every tag to every image."""
    added = 0
    with connect() as client:
        project_id = client.find_project(project).project_id
        tag_ids = [found.tag_id for found in find_tags(client, project_id, tag)]
        for ids in _chunks(image):
            request = images_pb2.TagImagesRequest(project_id=project_id, image_ids=ids, tag_ids=tag_ids)
            added += client.project.TagImages(request).added_count
    output.print(f"{counted(added, 'tag')} added.")


@group.command("untag")
def untag_images(image: ImagesArgument, project: ProjectOption, tag: TagsOption) -> None:
    """Take tags from images: every tag from every image."""
    removed = 0
    with connect() as client:
        project_id = client.find_project(project).project_id
        tag_ids = [found.tag_id for found in find_tags(client, project_id, tag)]
        for ids in _chunks(image):
            request = images_pb2.UntagImagesRequest(project_id=project_id, image_ids=ids, tag_ids=tag_ids)
            removed += client.project.UntagImages(request).removed_count
    output.print(f"{counted(removed, 'tag')} removed.")


@group.command()
def download(
    image: ImageArgument,
    project: ProjectOption,
    output_path: OutputOption = "",
    overwrite: OverwriteOption = False,
) -> None:
    """Write an image's stored bytes to a file."""
    with connect() as client, told_how_to_overwrite():
        project_id = client.find_project(project).project_id
        path = client.download_image(project_id, image, target_of(output_path), overwrite=overwrite)
    output.print(printable(path))


def _tag_names(client: "Client", project_id: str) -> dict[str, str]:
    return {tag.tag_id: tag.name for tag in client.list_tags(project_id)}


def _joined(image: images_pb2.Image, names: dict[str, str]) -> str:
    return ", ".join(names.get(tag_id, tag_id) for tag_id in image.tag_ids)


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), MAX_IDS):
        yield ids[start : start + MAX_IDS]
