"""How much memory a group of processes takes, as the system's process table tells it."""

import os
from pathlib import Path

_PROCESSES = Path("/proc")
_GROUP, _RESIDENT_PAGES = 2, 21
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def memory_is_measurable() -> bool:
    """Tells whether this system has a process table that can be read."""
    return (_PROCESSES / "self" / "stat").exists()


def group_memory_bytes(group: int) -> int:
    """Returns the resident bytes of all processes of ``group``, pages that they share counted for each."""
    total = 0
    for process in _PROCESSES.iterdir():
        if process.name.isdigit():
            fields = _fields(process)
            if fields and int(fields[_GROUP]) == group:
                total += int(fields[_RESIDENT_PAGES]) * _PAGE_BYTES
    return total


def _fields(process: Path) -> list[bytes]:
    try:
        content = (process / "stat").read_bytes()
    except OSError:
        # It has ended since.
        return []
    # The name stands in parentheses and may hold anything, also spaces and parentheses.
    return content.rpartition(b")")[2].split()
