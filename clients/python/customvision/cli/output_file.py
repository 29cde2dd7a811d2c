"""``--output`` and ``--overwrite``: where a command writes a file, and whether in place of one that is there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from customvision.cli.failures import Failure

OutputOption = Annotated[
    str,
    typer.Option(
        "--output",
        "-o",
        help="A file, or a folder to put it in; one that ends in a slash is made where it is missing.",
        metavar="PATH",
        show_default="the current folder",
    ),
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")]


def target_of(output: str) -> Path:
    """Returns the path that ``output`` names, and makes it where it ends as folders do. Raises Failure."""
    target = Path(output)
    if output.endswith(("/", os.sep)):
        try:
            target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Failure(f"The folder {output} cannot be made ({error.strerror}).") from error
    return target


@contextmanager
def told_how_to_overwrite() -> Iterator[None]:
    """Names the option where the block ends because a file is there. Raises Failure."""
    from customvision.client import CustomVisionError

    try:
        yield
    except CustomVisionError as error:
        if error.reason != "FILE_EXISTS":
            raise
        raise Failure(f"{error.message.removesuffix('.')} with --overwrite.") from error
