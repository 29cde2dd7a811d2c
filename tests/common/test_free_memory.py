"""Memory that goes back to the system."""

import subprocess
import sys

PROGRAM = """
import asyncio
from customvision.common import free_memory

async def main():
    looking = asyncio.create_task(free_memory.give_back_memory(0.05, 16 * 2**20))
    await asyncio.sleep(0)
    pieces = [b"x" * 100_000 for _ in range(1000)]
    # The last one keeps the heap from shrinking by itself.
    last = pieces.pop()
    held = free_memory._resident_bytes()
    await asyncio.sleep(0.2)
    del pieces
    async with asyncio.timeout(30):
        while free_memory._resident_bytes() > held - 80_000_000:
            await asyncio.sleep(0.01)
    looking.cancel()

asyncio.run(main())
"""


def test_what_was_freed_goes_back() -> None:
    """A hundred megabytes that were freed below something that stays leave the process within a few looks."""
    outcome = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert outcome.returncode == 0, outcome.stderr
