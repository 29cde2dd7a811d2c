"""Many quick models in one service: memory, time to load, throughput over all of them, publish to answer, restart."""

import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from figures import Figure, tell
from load_rounds import Round, failed, latency_text, load_generator, median_rate
from material import Material
from serving import (
    OURS,
    PUBLISH_NAME,
    PredictionService,
    Serving,
    project_id_of,
    project_of,
    running_prediction,
    serving,
)
from trained_model import TrainedModel

CALLERS = 16
PUBLICATIONS = 20
ANSWER_SECONDS = 30.0
KILOBYTE, MEGABYTE = 1_000, 1_000_000
# What fewer hold is less than what starting a process leaves to chance.
MANY = 1_000
# Memory is read once what loading needed has been given back.
SETTLE_SECONDS = 1.0


def measure(folder: Path, material: Material) -> list[Figure]:
    """Compares services with one model and with more, side by side."""
    *fewer, most = sorted(material.options.models)
    with serving(folder / "one", material.trained) as one:
        one.ask(material.small)
        base = _settled(one.service)
        figures = [Figure("1 model: resident", f"{base / MEGABYTE:.0f} MB", goal="≤ 250 MB")]
        for count in fewer:
            if count > 1:
                figures += _count(folder, material.trained, count, base)
        if most > 1:
            figures += _most(folder, material, most, one, base)
    return figures


def _count(folder: Path, trained: TrainedModel, count: int, base: int) -> list[Figure]:
    tell(f"loading {count:,} models")
    home = folder / str(count)
    with project_of(home, trained, models=count) as (project, keys), running_prediction(home, project, keys) as service:
        return _loaded(service, count, service.wait_until_available(count), base)


def _most(folder: Path, material: Material, count: int, one: Serving, base: int) -> list[Figure]:
    home = folder / str(count)
    with project_of(home, material.trained, models=count) as (project, keys):
        tell(f"loading {count:,} models")
        with ExitStack() as stack:
            service = stack.enter_context(running_prediction(home, project, keys))
            figures = _loaded(service, count, service.wait_until_available(count), base)
            many = Serving(project, service, stack.enter_context(load_generator()), keys)
            many.ask(material.small, models=count)
            figures += [_spread(one, many, count, material), _publish_to_answer(many, count, material)]
        fetched = project.fetched
        tell(f"restarting with {count:,} models")
        with running_prediction(home, project, keys) as service:
            seconds = service.wait_until_available(count)
        figures.append(
            Figure(
                f"{count:,} models: restart until all answer",
                f"{seconds:.1f} s, {project.fetched - fetched} artifacts fetched again",
            )
        )
    return figures


def _loaded(service: PredictionService, count: int, seconds: float, base: int) -> list[Figure]:
    resident = _settled(service)
    each = f", {(resident - base) / (count - 1) / KILOBYTE:.0f} KB for each more" if count >= MANY else ""
    return [
        Figure(
            f"{count:,} models: resident",
            f"{resident / MEGABYTE:.0f} MB{each}",
            baseline=f"one model {base / MEGABYTE:.0f} MB",
            goal="≤ 1 GB, ≤ 100 KB for each" if each else "",
        ),
        Figure(
            f"{count:,} models: first start until all answer",
            f"{seconds:.1f} s, {seconds / count * 1000:.2f} ms each",
        ),
    ]


def _spread(one: Serving, many: Serving, count: int, material: Material) -> Figure:
    """Asks one service for its only model and the other for all of its models in turn."""
    options = material.options
    pairs: list[tuple[Round, Round]] = []
    for number in range(options.rounds):
        tell(f"asking one of one and all of {count:,}, {number + 1} of {options.rounds}")
        pairs.append(
            (
                many.generator.round(OURS, callers=CALLERS, seconds=options.seconds),
                one.generator.round(OURS, callers=CALLERS, seconds=options.seconds),
            )
        )
    spread, single = [each for each, _ in pairs], [each for _, each in pairs]
    ratio = median(each.rate / other.rate for each, other in pairs)
    return Figure(
        f"{count:,} models, asked in turn by {CALLERS} callers",
        f"{median_rate(spread):.0f} a second, {ratio:.2f} of one's; {latency_text(spread)}; {failed(spread)} failed",
        baseline=f"one model {median_rate(single):.0f} a second; {latency_text(single)}",
        goal="≥ 0.90 of one's",
    )


def _publish_to_answer(many: Serving, count: int, material: Material) -> Figure:
    tell("publishing")
    project_id = project_id_of(0)
    times = []
    for number in range(PUBLICATIONS):
        model = material.trained.variation(count + number)
        iteration_id = str(count + number)
        began = time.perf_counter()
        many.project.publish(project_id, PUBLISH_NAME, iteration_id, model)
        while many.service.predict(project_id, material.small[0]).iteration_id != iteration_id:
            if time.perf_counter() - began > ANSWER_SECONDS:
                raise RuntimeError("what was published does not answer")
        times.append((time.perf_counter() - began) * 1000)
    return Figure(
        f"{count:,} models: from publish to the new model's first answer",
        f"median {median(times):.0f} ms, longest of {PUBLICATIONS} {max(times):.0f} ms",
        goal="≤ 100 ms",
    )


def _settled(service: PredictionService) -> int:
    time.sleep(SETTLE_SECONDS)
    return service.resident
