"""Calls that all come at one instant: how many are answered, how many refused, and how fast."""

from collections import Counter
from pathlib import Path

import numpy as np
from figures import Figure, tell
from load_rounds import latency_text
from material import Material
from serving import OURS, serving

CALLERS = 16
MEGABYTE = 1_000_000


def measure(folder: Path, material: Material) -> list[Figure]:
    """Sends them, then sees whether the service is as it was."""
    options = material.options
    with serving(folder / "bursting", material.trained) as served:
        served.ask(material.small)
        before = served.generator.round(OURS, callers=CALLERS, seconds=options.seconds)
        resident = served.service.resident
        tell(f"sending {options.burst:,} calls at once")
        ends = served.generator.burst(OURS, count=options.burst, callers=CALLERS)
        grown = served.service.resident - resident
        after = served.generator.round(OURS, callers=CALLERS, seconds=options.seconds)
    codes = Counter(code for code, _ in ends)
    answered = [seconds for code, seconds in ends if code == "OK"]
    refused = [seconds for code, seconds in ends if code == "RESOURCE_EXHAUSTED"]
    others = ", ".join(f"{count} {code}" for code, count in codes.items() if code not in ("OK", "RESOURCE_EXHAUSTED"))
    return [
        Figure(
            f"{options.burst:,} calls at one instant",
            f"{len(answered):,} answered, {len(refused):,} refused" + (f", {others}" if others else ""),
            goal="answered or RESOURCE_EXHAUSTED",
        ),
        Figure("seconds until refused, p50 / p99 / last", _spread(refused), "the sender's own work included"),
        Figure("seconds until answered, p50 / p99 / last", _spread(answered)),
        Figure("memory that the burst left", f"{grown / MEGABYTE:+.0f} MB", f"before {resident / MEGABYTE:.0f} MB"),
        Figure(
            f"{CALLERS} callers afterwards",
            f"{after.rate:.0f} a second, {latency_text([after])}",
            f"before {before.rate:.0f} a second, {latency_text([before])}",
        ),
    ]


def _spread(seconds: list[float]) -> str:
    if not seconds:
        return "none"
    return " / ".join(f"{np.percentile(seconds, percent):.2f}" for percent in (50, 99, 100)) + " s"
