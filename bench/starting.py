"""How fast a suite is up and how much memory each of its processes holds when idle."""

import subprocess
import time
from pathlib import Path

from figures import Figure
from local_suite import CLI
from photos import backbone_settings

from suite import SERVICES, running_suite

SETTLE_SECONDS = 5.0
MEBIBYTE = 1024 * 1024
HELPS = 3


def measure(folder: Path) -> list[Figure]:
    """Starts a suite twice on one home: the first start also makes keys and prepares the backbone beside it."""
    home = folder / "starting"
    with running_suite(home, backbone_settings()) as first:
        first.wait_until_calm()
    with running_suite(home, backbone_settings()) as second:
        # Memory is read once imports and caches have come to rest.
        time.sleep(SETTLE_SECONDS)
        resident = {name: second.service(name).memory_info().rss / MEBIBYTE for name in SERVICES}
    return [
        Figure("suite ready, first start", f"{first.ready_seconds:.2f} s", goal="≤ 3 s"),
        Figure("suite ready, later start", f"{second.ready_seconds:.2f} s", goal="≤ 3 s"),
        Figure(f"customvision --help, best of {HELPS}", f"{min(_help_seconds() for _ in range(HELPS)):.2f} s"),
        *(
            Figure(f"resident when idle, {name}", f"{mebibytes:.0f} MiB", goal="≤ 250 MB" * (name == "prediction"))
            for name, mebibytes in resident.items()
        ),
    ]


def _help_seconds() -> float:
    started = time.perf_counter()
    subprocess.run([CLI, "--help"], check=True, capture_output=True)  # noqa: S603 - our own
    return time.perf_counter() - started
