"""What stands behind an iteration's figures: which tags are taken for one another, calibration, spread."""

from rich import box
from rich.table import Table
from rich.text import Text

from customvision.cli.display.console import output, printable
from customvision.v1 import training_service_pb2

MOST_TAGS_IN_GRID = 20
MOST_CONFUSIONS = 20
# From a share of 0 to one of 1; dark text stands out on both.
RIGHT_TINTS = ((225, 242, 226), (102, 187, 106))
WRONG_TINTS = ((255, 224, 224), (239, 83, 80))

Rows = list[list[int]]


def print_details(performance: training_service_pb2.IterationPerformance) -> None:
    """Prints the confusion matrix, and a line each for calibration and the spread over folds, where there are any."""
    if performance.HasField("confusion"):
        _print_confusion(performance)
    if performance.calibration.bins:
        output.print(_calibration(performance.calibration))
    if performance.HasField("cross_validation"):
        folds = performance.cross_validation
        output.print(
            f"Over {folds.folds} folds: accuracy {folds.accuracy_mean:.1%} ± {folds.accuracy_deviation:.1%}, "
            f"average precision {folds.average_precision_mean:.1%} ± {folds.average_precision_deviation:.1%}."
        )


def _print_confusion(performance: training_service_pb2.IterationPerformance) -> None:
    names = [printable(tag.tag_name) for tag in performance.tags]
    counts = list(performance.confusion.counts)
    rows = [counts[start : start + len(names)] for start in range(0, len(counts), len(names))]
    if len(names) <= MOST_TAGS_IN_GRID:
        output.print("Images of the tag of a row that were taken for the tag of a column:")
        output.print(_grid(names, rows))
    else:
        _print_confusions(names, rows)


def _grid(names: list[str], rows: Rows) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", overflow="fold")
    for number in range(1, len(names) + 1):
        table.add_column(str(number), justify="right")
    for index, (name, row) in enumerate(zip(names, rows, strict=True)):
        cells = [_cell(count, sum(row), right=index == column) for column, count in enumerate(row)]
        table.add_row(f"{index + 1} {name}", *cells)
    return table


def _cell(count: int, total: int, *, right: bool) -> Text:
    if not count:
        return Text("·", style="dim")
    low, high = RIGHT_TINTS if right else WRONG_TINTS
    tint = [round(start + (end - start) * count / total) for start, end in zip(low, high, strict=True)]
    return Text(str(count), style=f"black on rgb({tint[0]},{tint[1]},{tint[2]})")


def _print_confusions(names: list[str], rows: Rows) -> None:
    found = sorted(
        (
            (count, names[true], names[taken])
            for true, row in enumerate(rows)
            for taken, count in enumerate(row)
            if true != taken and count
        ),
        key=lambda confusion: -confusion[0],
    )
    for count, true, taken in found[:MOST_CONFUSIONS]:
        output.print(f"  {count} x {true} taken for {taken}")
    if len(found) > MOST_CONFUSIONS:
        output.print(f"  … and {len(found) - MOST_CONFUSIONS} more pairs of tags.")


def _calibration(calibration: training_service_pb2.Calibration) -> str:
    error, before = calibration.expected_calibration_error, calibration.uncalibrated_error
    calibrated = f" (before calibration {before:.1%})" if before != error else ""
    return f"Calibration: probabilities are {error:.1%} off on average{calibrated}."
