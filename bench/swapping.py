"""A name's model replaced a hundred times while callers ask it."""

import time
from pathlib import Path

from figures import Figure, tell
from load_rounds import Round, failed, latency_text, median_rate, percentile
from material import Material
from serving import OURS, PUBLISH_NAME, Serving, project_id_of, serving

CALLERS = 16
# Steady and swapping by turns, so that a machine that drifts does so under both.
TURNS = 4
# What fits into a busy second of someone who tries iterations out by script.
INTERVAL_SECONDS = 0.2
WAIT_SECONDS = 30.0
POLL_SECONDS = 0.01
SETTLE_SECONDS = 2.0
MEGABYTE = 1_000_000


def measure(folder: Path, material: Material) -> list[Figure]:
    """Counts failed calls and compares latency and memory with the same load without swaps."""
    swaps = material.options.swaps // TURNS
    steady, swapping = [], []
    seconds_to_serve: list[float] = []
    with serving(folder / "swapping", material.trained) as served:
        served.ask(material.small)
        steady.append(_steady(served, swaps * INTERVAL_SECONDS))
        before = _settled(served)
        for turn in range(TURNS):
            tell(f"{swaps} swaps under {CALLERS} callers, {turn + 1} of {TURNS}")
            served.generator.begin(OURS, callers=CALLERS)
            seconds_to_serve += [_swap(served, material, 1 + turn * swaps + number) for number in range(swaps)]
            swapping.append(served.generator.end())
            steady.append(_steady(served, swaps * INTERVAL_SECONDS))
        after = _settled(served)
    ratio = percentile(swapping, 99) / percentile(steady, 99)
    return [
        Figure(
            f"calls that failed in {TURNS * swaps} swaps under {CALLERS} callers",
            f"{failed(swapping)} of {sum(len(each.latencies) for each in swapping):,}",
            goal="0",
        ),
        Figure(
            "p99 while swapping",
            f"{percentile(swapping, 99):.1f} ms, {ratio:.2f} of steady; {latency_text(swapping)}",
            baseline=f"steady {latency_text(steady)}",
            goal="≤ 2× steady",
        ),
        Figure(
            "throughput while swapping",
            f"{median_rate(swapping):.0f} a second",
            baseline=f"steady {median_rate(steady):.0f} a second",
        ),
        Figure(
            f"publish until it answers, under {CALLERS} callers",
            f"median {sorted(seconds_to_serve)[len(seconds_to_serve) // 2] * 1000:.0f} ms, "
            f"longest {max(seconds_to_serve) * 1000:.0f} ms",
        ),
        Figure(
            "resident after the swaps",
            f"{after / MEGABYTE:.0f} MB, {(after - before) / MEGABYTE:+.1f} MB",
            baseline=f"before {before / MEGABYTE:.0f} MB",
        ),
    ]


def _steady(served: Serving, seconds: float) -> Round:
    return served.generator.round(OURS, callers=CALLERS, seconds=seconds)


def _swap(served: Serving, material: Material, number: int) -> float:
    """Publishes over the name, waits until that answers, and returns the seconds; takes INTERVAL_SECONDS at least."""
    project_id, iteration_id = project_id_of(0), str(number)
    model = material.trained.variation(number)
    began = time.perf_counter()
    served.project.publish(project_id, PUBLISH_NAME, iteration_id, model)
    while served.service.serving_iteration(project_id) != iteration_id:
        if time.perf_counter() - began > WAIT_SECONDS:
            raise RuntimeError("what was published does not answer")
        time.sleep(POLL_SECONDS)
    seconds = time.perf_counter() - began
    time.sleep(max(0.0, INTERVAL_SECONDS - seconds))
    return seconds


def _settled(served: Serving) -> int:
    time.sleep(SETTLE_SECONDS)
    return served.service.resident
