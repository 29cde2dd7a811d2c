"""How an iteration does: precision, recall and average precision per tag."""

from rich import box
from rich.table import Table

from customvision.cli.display.console import output, printable
from customvision.v1 import iterations_pb2, training_service_pb2

NOT_MEASURED = "-"


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
        footer = f"{figure:.1%}" if overall.held_out_image_count else NOT_MEASURED
        table.add_column(header, footer=footer, justify="right")
    table.add_column(measured_on.replace("-", " "), footer=str(overall.held_out_image_count), justify="right")
    table.add_column("images", justify="right")
    for tag in performance.tags:
        measured = tag.held_out_image_count > 0
        figures = (tag.precision, tag.recall, tag.average_precision)
        table.add_row(
            printable(tag.tag_name),
            *(f"{figure:.1%}" if measured else NOT_MEASURED for figure in figures),
            str(tag.held_out_image_count),
            str(tag.image_count),
        )
    output.print(table)
    if not overall.held_out_image_count:
        output.print(f"There are no {measured_on} images: nothing measures this model.")
        return
    output.print(
        f"Measured on {overall.held_out_image_count} {measured_on} images at a threshold of {performance.threshold:g}: "
        f"accuracy {overall.accuracy:.1%}."
    )


def metrics_words(metrics: iterations_pb2.IterationMetrics) -> tuple[str, str, str]:
    """Returns precision, recall and average precision in words, ``-`` where no image was held out to measure them."""
    figures = (metrics.precision, metrics.recall, metrics.average_precision)
    measured = metrics.held_out_image_count > 0
    precision, recall, average = (f"{figure:.1%}" if measured else NOT_MEASURED for figure in figures)
    return precision, recall, average
