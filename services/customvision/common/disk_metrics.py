"""How full a service's disk is. Nothing here reads what is stored."""

import shutil
from pathlib import Path

from customvision.common.service_metrics import ServiceMetrics


def add_disk_metrics(metrics: ServiceMetrics, folder: Path, database: Path | None = None) -> None:
    """Adds the room on the disk of ``folder`` and, where the service has one, the size of its ``database``."""
    metrics.gauge(
        "customvision_disk_free_bytes",
        "Room on the disk that the service's data folder is on",
        lambda: shutil.disk_usage(folder).free,
    )
    if database is not None:
        files = (database, database.with_name(f"{database.name}-wal"))
        metrics.gauge(
            "customvision_database_bytes",
            "Size of the service's database, its write-ahead log included",
            lambda: sum(map(_size, files)),
        )


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
