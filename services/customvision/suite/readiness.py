"""Waits until the whole suite serves, as its gateway tells."""

import asyncio
import urllib.error
import urllib.request

from customvision.common.notifier import wait

POLL_SECONDS = 0.05
REQUEST_SECONDS = 2.0


async def wait_until_ready(http_address: str, stopping: asyncio.Event) -> bool:
    """Returns True once ``/healthz`` answers 200, False where ``stopping`` was set before."""
    while not stopping.is_set():
        if await asyncio.to_thread(_is_ready, http_address):
            return True
        await wait(stopping, POLL_SECONDS)
    return False


def _is_ready(http_address: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{http_address}/healthz", timeout=REQUEST_SECONDS) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
