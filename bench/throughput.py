"""Requests per second and latency by number of callers, against decode and trunk in a loop without a server."""

from pathlib import Path
from statistics import median

from bare_loop import BareLoop
from figures import Figure, tell
from load_rounds import Round, failed, latency_text, median_rate
from material import SIZE_NAMES, Material
from serving import OURS, Serving, serving


def measure(folder: Path, material: Material) -> list[Figure]:
    """Asks the service and runs the loop in turns, in short rounds: a machine that drifts does so under both."""
    options = material.options
    bare = BareLoop(material.trained.backbone)
    figures = []
    with serving(folder / "throughput", material.trained) as served:
        for size in options.sizes:
            photos = material.photos(size)
            served.ask(photos)
            for callers in options.callers:
                name = f"{SIZE_NAMES[size]}, callers: {callers}"
                tell(name)
                pairs = [_pair(served, bare, photos, callers, options.seconds) for _ in range(options.rounds)]
                figures += _figures(name, callers, pairs)
    return figures


def _pair(served: Serving, bare: BareLoop, photos: list[bytes], callers: int, seconds: float) -> tuple[Round, Round]:
    return (
        served.generator.round(OURS, callers=callers, seconds=seconds),
        bare.round(photos, callers=callers, seconds=seconds),
    )


def _figures(name: str, callers: int, pairs: list[tuple[Round, Round]]) -> list[Figure]:
    ours, loops = [each for each, _ in pairs], [each for _, each in pairs]
    raw = median(each.rate / loop.rate for each, loop in pairs)
    # One caller leaves cores idle on both sides: its latency is what counts.
    net = median(each.net_rate / loop.rate for each, loop in pairs) if callers > 1 else None
    # With more callers than threads the loop has no queue to be compared with.
    later = median(each.percentile(50) - loop.percentile(50) for each, loop in pairs) if callers == 1 else None
    failures = f", {failed(ours)} failed" if failed(ours) else ""
    return [
        Figure(
            f"{name}: throughput",
            f"{median_rate(ours):.0f} a second, {raw:.2f} of bare"
            + (f"; net of the generator {net:.2f}" if net is not None else "")
            + failures,
            baseline=f"bare {median_rate(loops):.0f} a second",
            goal="net ≥ 0.95 of bare" if net is not None else "",
        ),
        Figure(
            f"{name}: p50 / p95 / p99",
            latency_text(ours) + (f"; p50 {later:+.2f} ms" if later is not None else ""),
            baseline=f"bare {latency_text(loops)}",
            goal="p50 within 1 ms of bare" if callers == 1 else "",
        ),
    ]
