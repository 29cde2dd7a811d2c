"""How much of the processor a child process claims beside others."""

import contextlib
import os
from pathlib import Path

AUTOGROUP = Path("/proc/self/autogroup")


def give_way(niceness: int) -> None:
    """Lowers the priority of this process, whose session is its own, by ``niceness`` of 1 to 19."""
    os.nice(niceness)
    # Where Linux shares the processor out by session, niceness alone counts only among processes of one session.
    with contextlib.suppress(OSError):
        AUTOGROUP.write_text(str(niceness))
