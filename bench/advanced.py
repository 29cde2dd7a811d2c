"""Accuracy of advanced training, through a suite as a user runs it, beside quick training and the baselines."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from accuracy import NEEDED, chosen_data_sets
from embedded_photos import load_networks
from figures import Figure, tell
from outcomes import LOGISTIC, QUICK, TEACHABLE, Outcome, gain, head_outcomes, mean_accuracy, mean_error
from photos import DATA_SETS, Photos, backbone_settings, own_weights
from training_options import Options

from customvision.client import Client, LabelledImage
from customvision.v1 import iterations_pb2
from suite import EMBED_WHEN_ASKED, running_suite
from training import create_project, upload

PER_CLASS = 30
LEAST_GAIN = 3.0
ADVANCED = "advanced"
QUICK_SERVED = "quick, through the suite"


@dataclass(frozen=True)
class Trained:
    """What the suite trained on one draw: how it does on the photos that were not drawn, and how long it took."""

    outcome: Outcome
    seconds: float
    fine_tuned: bool


def measure(folder: Path, options: Options) -> list[Figure]:
    """Trains on 30 photos per class, quickly and advanced with the usual budget, and evaluates on all the others."""
    weights = own_weights()
    if not DATA_SETS.is_dir() or weights is None:
        return [Figure("accuracy of advanced training", NEEDED)]
    networks = load_networks(weights, folder)
    outcomes: list[Outcome] = []
    figures: list[Figure] = []
    with running_suite(folder / "advanced", backbone_settings() | EMBED_WHEN_ASKED) as suite, suite.client() as client:
        suite.wait_until_calm()
        for photos in chosen_data_sets(options):
            if not photos.has_more_than(PER_CLASS):
                continue
            tell(f"{photos.name}: the baselines")
            embedded = networks.embed(photos)
            for draw in range(options.advanced_draws):
                own = list(head_outcomes(embedded, PER_CLASS, draw))
                trained = list(_trained(client, photos, draw, options.budget_seconds))
                own.extend(each.outcome for each in trained)
                outcomes.extend(own)
                figures.append(_figure(f"{photos.name}, draw {draw + 1}", own, trained[-1]))
    return [*figures, *_means(outcomes)]


def _trained(client: Client, photos: Photos, draw: int, budget_seconds: float | None) -> Iterator[Trained]:
    drawn, others = photos.draw(PER_CLASS, draw)
    project_id, tags = create_project(client, list(photos.class_names))
    upload(client, project_id, tags, photos.by_class(drawn))
    test = [
        LabelledImage(str(row), photos.paths[row], [photos.class_names[photos.labels[row]]]) for row in others.tolist()
    ]
    for method, advanced in ((QUICK_SERVED, False), (ADVANCED, True)):
        tell(f"{photos.name}: {method}, draw {draw + 1}")
        started = time.perf_counter()
        budget = budget_seconds if advanced else None
        run = client.start_training(project_id, advanced=advanced, budget_seconds=budget, force=True)
        for _ in client.watch_training(run.training_run_id):
            pass
        seconds = time.perf_counter() - started
        iteration = next(each for each in client.list_iterations(project_id) if each.iteration_id == run.iteration_id)
        if iteration.status != iterations_pb2.ITERATION_STATUS_COMPLETED:
            raise RuntimeError(f"training on {photos.name} did not complete: {iteration.failure_reason}")
        performance = client.evaluate_iteration(project_id, run.iteration_id, test).performance
        error = performance.calibration.expected_calibration_error
        outcome = Outcome(photos.name, PER_CLASS, draw, method, performance.overall.accuracy, error)
        yield Trained(outcome, seconds, iteration.fine_tuned)


def _figure(what: str, outcomes: list[Outcome], trained: Trained) -> Figure:
    model = "fine-tuned" if trained.fine_tuned else "the quick model won"
    return Figure(
        f"{what}, {PER_CLASS} per class",
        f"{trained.outcome.accuracy:.3f} ({gain(outcomes, ADVANCED)}), {model}, {trained.seconds:.0f} s",
        baseline=_baselines(outcomes),
    )


def _means(outcomes: list[Outcome]) -> list[Figure]:
    if not outcomes:
        return [Figure("accuracy of advanced training", f"needs data sets with more than {PER_CLASS} in every class")]
    count = len({outcome.data_set for outcome in outcomes})
    return [
        Figure(
            f"mean of {count} data sets, {PER_CLASS} per class",
            f"{mean_accuracy(outcomes, ADVANCED):.3f} ({gain(outcomes, ADVANCED)})",
            baseline=_baselines(outcomes),
            goal=f"≥ logistic regression + {LEAST_GAIN:.0f} points",
        ),
        Figure(
            "expected calibration error, mean",
            f"{mean_error(outcomes, ADVANCED):.3f}",
            baseline=f"{QUICK_SERVED} {mean_error(outcomes, QUICK_SERVED):.3f}, "
            f"{LOGISTIC} {mean_error(outcomes, LOGISTIC):.3f}",
        ),
    ]


def _baselines(outcomes: list[Outcome]) -> str:
    methods = (QUICK, QUICK_SERVED, LOGISTIC, TEACHABLE)
    return ", ".join(f"{method} {mean_accuracy(outcomes, method):.3f}" for method in methods)
