"""How an iteration does: precision, recall and average precision per tag."""

from rich import box
from rich.table import Table

from customvision.cli.display.console import output, printable
from customvision.v1 import training_service_pb2


def print_performance(performance: training_service_pb2.IterationPerformance, *, measured_on: str = "held-out") -> None:
    """Prints the figures per tag and over all, and how many images they rest on: those ``measured_on``."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_footer=True)
    overall = performance.overall
    table.add_column("tag", footer="all tags", overflow="fold")
    for header, figure in (
        ("precision", overall.precision),
        ("recall", overall.recall),
        ("average precision", overall.average_precision),
    ):
        table.add_column(header, footer=f"{figure:.1%}", justify="right")
    table.add_column(measured_on.replace("-", " "), footer=str(overall.held_out_image_count), justify="right")
    table.add_column("images", justify="right")
    for tag in performance.tags:
        measured = tag.held_out_image_count > 0
        figures = (tag.precision, tag.recall, tag.average_precision)
        table.add_row(
            printable(tag.tag_name),
            *(f"{figure:.1%}" if measured else "-" for figure in figures),
            str(tag.held_out_image_count),
            str(tag.image_count),
        )
    output.print(table)
    output.print(
        f"Measured on {overall.held_out_image_count} {measured_on} images at a threshold of {performance.threshold:g}: "
        f"accuracy {overall.accuracy:.1%}."
    )
