"""What a child process may take, and who notices when it takes more."""

import asyncio
import enum
from dataclasses import dataclass

from customvision.training.children.process_memory import group_memory_bytes, memory_is_measurable

SECONDS_BETWEEN_LOOKS = 0.5


class Overrun(enum.Enum):
    """Which limit a child went over."""

    TIME = "time"
    MEMORY = "memory"


@dataclass(frozen=True)
class ChildLimits:
    """Seconds from its start, and resident bytes of it and all that it started; None is no limit."""

    seconds: float | None = None
    memory_bytes: int | None = None


async def overrun_of(group: int, limits: ChildLimits) -> Overrun:
    """Waits until the process group takes more than its limits, and returns which; for ever where there are none."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + limits.seconds if limits.seconds is not None else None
    watched = limits.memory_bytes is not None and memory_is_measurable()
    while deadline is None or loop.time() < deadline:
        if watched and await asyncio.to_thread(group_memory_bytes, group) > (limits.memory_bytes or 0):
            return Overrun.MEMORY
        pause = SECONDS_BETWEEN_LOOKS if watched else float("inf")
        await _sleep(min(pause, deadline - loop.time()) if deadline is not None else pause)
    return Overrun.TIME


async def _sleep(seconds: float) -> None:
    if seconds == float("inf"):
        await asyncio.get_running_loop().create_future()
    await asyncio.sleep(seconds)
