"""How many processors there are to work with."""

import math
import os
from pathlib import Path

# Linux' control groups, by which containers and service managers limit what a process may use.
CONTROL_GROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")

_sharers = 1


def share_processors(count: int) -> None:
    """Says that ``count`` processes like this one work side by side; each then counts on its part only."""
    global _sharers
    _sharers = count


def available_cores() -> int:
    """Returns the number of processors that this process may use: at least 1, its part where it shares them.

    A limit of processor time, such as a container's, counts like as many processors, rounded up.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(cores, _time_limit())) // _sharers)


def _time_limit() -> float:
    """Returns how many processors' time the control groups of this process allow, infinity where they do not say."""
    try:
        lines = MEMBERSHIP.read_text().splitlines()
    except OSError:
        return math.inf
    own = next((CONTROL_GROUPS / line[4:] for line in lines if line.startswith("0::/")), CONTROL_GROUPS)
    return min(_limit_of(group) for group in (own, *own.parents))


def _limit_of(group: Path) -> float:
    try:
        quota, period = (group / "cpu.max").read_text().split()
        return math.inf if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return math.inf
