"""How many processors there are to work with."""

import os

_sharers = 1


def share_processors(count: int) -> None:
    """Says that ``count`` processes like this one work side by side; each then counts on its part only."""
    global _sharers
    _sharers = count


def available_cores() -> int:
    """Returns the number of processors that this process may use: at least 1, its part where it shares them."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // _sharers)
