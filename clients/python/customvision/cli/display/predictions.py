"""What a model says about images."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.progress_bar import ProgressBar
from rich.table import Table

from customvision.cli.display.console import notes, output, printable
from customvision.v1 import stored_predictions_pb2

BAR_WIDTH = 20


@dataclass(frozen=True)
class PredictedImage:
    """The answer for one image, likeliest tag first, or the sentence that says why there is none."""

    path: Path
    predictions: Sequence[stored_predictions_pb2.TagProbability]
    error: str

    def record(self) -> dict[str, Any]:
        """Returns the answer for programs."""
        predictions = [{"tag_name": tag.tag_name, "probability": tag.probability} for tag in self.predictions]
        answer: dict[str, Any] = {"image": str(self.path), "predictions": predictions}
        return {**answer, "error": self.error} if self.error else answer


def asking_bar() -> Progress:
    """Returns a bar that counts answers; invisible where there is no terminal, and gone once all are there."""
    return Progress(
        TextColumn("asking", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=notes,
        disable=not notes.is_terminal,
        transient=True,
    )


def print_predictions(images: Sequence[PredictedImage], *, every_tag: bool) -> None:
    """Prints a line for the likeliest tag of each image, or for every tag; errors go to standard error."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("image", overflow="fold")
    table.add_column("tag", overflow="fold")
    table.add_column("probability", justify="right")
    table.add_column("", width=BAR_WIDTH)
    for image in images:
        for rank, tag in enumerate(image.predictions if every_tag else image.predictions[:1]):
            bar = ProgressBar(total=1.0, completed=tag.probability, width=BAR_WIDTH)
            name = printable(image.path) if rank == 0 else ""
            table.add_row(name, printable(tag.tag_name), f"{tag.probability:.1%}", bar)
    if table.row_count:
        output.print(table)
    for image in images:
        if image.error:
            notes.print(f"{printable(image.path)}: {printable(image.error)}", style="red", soft_wrap=True)
