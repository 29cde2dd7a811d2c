"""Memory that was freed and goes back to the system: the C library keeps what large messages leave behind."""

import asyncio
import ctypes
import itertools
import os
from collections.abc import Callable
from pathlib import Path

EVERY_SECONDS = 1.0
# Giving back takes milliseconds, and what is wanted again after it has to be got again.
GROWTH_BYTES = 128 * 1024 * 1024
# Once more when what made it grow may be over, until there is little to gain.
AGAIN_EVERY = 10
LITTLE_BYTES = 16 * 1024 * 1024

_PAGES = Path("/proc/self/statm")
_RESIDENT = 1


async def give_back_memory(every_seconds: float = EVERY_SECONDS, growth_bytes: int = GROWTH_BYTES) -> None:
    """Looks after this process, without end: whenever it has grown by so much, what is free of that is given back.

    Does nothing where the system does not tell, or its C library cannot.
    """
    trim = _trim()
    if trim is None:
        return
    least, again = _resident_bytes(), False
    for look in itertools.count():
        await asyncio.sleep(every_seconds)
        held = _resident_bytes()
        grown = held > least + growth_bytes
        if grown or (again and look % AGAIN_EVERY == 0):
            await asyncio.to_thread(trim, 0)
            least = _resident_bytes()
            again = grown or held - least > LITTLE_BYTES
        else:
            least = min(least, held)


def _trim() -> Callable[[int], int] | None:
    """Returns glibc's malloc_trim."""
    if not _PAGES.exists():
        return None
    trim: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return trim


def _resident_bytes() -> int:
    return int(_PAGES.read_text().split()[_RESIDENT]) * os.sysconf("SC_PAGE_SIZE")
