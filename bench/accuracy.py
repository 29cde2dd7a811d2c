"""Accuracy on few photos per class: quick training beside the recipes, on the same draws of every data set."""

from collections.abc import Iterator
from pathlib import Path

from embedded_photos import load_networks
from figures import Figure, tell
from outcomes import (
    LOGISTIC,
    QUICK,
    TEACHABLE,
    UNCALIBRATED,
    Outcome,
    gain,
    head_outcomes,
    mean_accuracy,
    mean_error,
)
from photos import DATA_SETS, FLOWERS, Photos, data_sets, own_weights
from training_options import Options

from training import keras_guide

GUIDE = "Keras guide"
GUIDE_SIZE = 30
LEAST_GAIN = 1.0
NEEDED = "needs the data sets and the ImageNet weights in ../shared"


def measure(folder: Path, options: Options) -> list[Figure]:
    """Trains on every draw of every data set by every method, and asks about all photos that were not drawn."""
    weights = own_weights()
    if not DATA_SETS.is_dir() or weights is None:
        return [Figure("accuracy on few photos per class", NEEDED)]
    outcomes = list(_outcomes(weights, folder, options))
    tables = [_figures_of(outcomes, size) for size in options.sizes]
    guide = [figure for outcome in outcomes if outcome.method == GUIDE for figure in _guide_figure(outcomes, outcome)]
    return [figure for table in tables for figure in table] + guide


def chosen_data_sets(options: Options) -> Iterator[Photos]:
    """Yields the data sets that the options name."""
    return (photos for photos in data_sets() if not options.data_sets or photos.name in options.data_sets)


def _outcomes(weights: Path, folder: Path, options: Options) -> Iterator[Outcome]:
    networks = load_networks(weights, folder)
    for photos in chosen_data_sets(options):
        tell(f"{photos.name}: embedding {len(photos.paths)} photos")
        embedded = networks.embed(photos)
        for per_class in options.sizes:
            if not photos.has_more_than(per_class):
                continue
            for draw in range(options.draws):
                tell(f"{photos.name}: {per_class} per class, draw {draw + 1} of {options.draws}")
                yield from head_outcomes(embedded, per_class, draw)
                if _is_for_guide(photos, per_class, draw, options):
                    yield _guide_outcome(folder, photos, per_class, draw)


def _is_for_guide(photos: Photos, per_class: int, draw: int, options: Options) -> bool:
    if options.guide_everywhere:
        return True
    return photos.name == FLOWERS.name and per_class == GUIDE_SIZE and draw == 0


def _guide_outcome(folder: Path, photos: Photos, per_class: int, draw: int) -> Outcome:
    drawn, others = photos.draw(per_class, draw)
    tell(f"{photos.name}: the Keras guide's recipe")
    own = folder / f"{photos.name}-{per_class}-{draw}"
    accuracy = keras_guide(own, photos.by_class(drawn), photos.by_class(others))["accuracy"]
    return Outcome(photos.name, per_class, draw, GUIDE, accuracy, float("nan"))


def _figures_of(outcomes: list[Outcome], per_class: int) -> list[Figure]:
    own = [outcome for outcome in outcomes if outcome.per_class == per_class]
    names = sorted({outcome.data_set for outcome in own})
    if not names:
        return [Figure(f"{per_class} per class", "needs data sets with more photos than that in every class")]
    figures = [_figure(f"{name}, {per_class} per class", _only(own, {name})) for name in names]
    goal = f"≥ logistic regression + {LEAST_GAIN:.0f} point"
    figures.append(_figure(f"mean of {len(names)} data sets, {per_class} per class", own, goal=goal))
    everywhere = _measured_at_all_sizes(outcomes)
    if set(names) != everywhere and everywhere:
        what = f"mean of the {len(everywhere)} data sets with all sizes, {per_class} per class"
        figures.append(_figure(what, _only(own, everywhere), goal=goal))
    return [*figures, _calibration_figure(own, per_class)]


def _figure(what: str, outcomes: list[Outcome], goal: str = "") -> Figure:
    return Figure(
        what,
        f"{mean_accuracy(outcomes, QUICK):.3f} ({gain(outcomes, QUICK)})",
        baseline=", ".join(f"{method} {mean_accuracy(outcomes, method):.3f}" for method in (LOGISTIC, TEACHABLE)),
        goal=goal,
    )


def _calibration_figure(outcomes: list[Outcome], per_class: int) -> Figure:
    errors = {method: mean_error(outcomes, method) for method in (QUICK, UNCALIBRATED, LOGISTIC, TEACHABLE)}
    return Figure(
        f"expected calibration error, mean, {per_class} per class",
        f"{errors[QUICK]:.3f}",
        baseline=(
            f"before calibration {errors[UNCALIBRATED]:.3f}, {LOGISTIC} {errors[LOGISTIC]:.3f}, "
            f"{TEACHABLE} {errors[TEACHABLE]:.3f}"
        ),
        goal="less than before",
    )


def _guide_figure(outcomes: list[Outcome], guide: Outcome) -> Iterator[Figure]:
    for outcome in outcomes:
        same = (outcome.data_set, outcome.per_class, outcome.draw) == (guide.data_set, guide.per_class, guide.draw)
        if same and outcome.method == QUICK:
            yield Figure(
                f"{guide.data_set}, {guide.per_class} per class, draw {guide.draw + 1}",
                f"{outcome.accuracy:.3f}",
                baseline=f"{GUIDE}'s recipe {guide.accuracy:.3f}",
                goal="more accurate",
            )


def _measured_at_all_sizes(outcomes: list[Outcome]) -> set[str]:
    sizes = {outcome.per_class for outcome in outcomes}
    by_name: dict[str, set[int]] = {}
    for outcome in outcomes:
        by_name.setdefault(outcome.data_set, set()).add(outcome.per_class)
    return {name for name, own in by_name.items() if own == sizes}


def _only(outcomes: list[Outcome], names: set[str]) -> list[Outcome]:
    return [outcome for outcome in outcomes if outcome.data_set in names]
