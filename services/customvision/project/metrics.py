"""The figures of the project service that nothing has to be looked up for."""

from pathlib import Path

from customvision.common.disk_metrics import add_disk_metrics
from customvision.common.service_metrics import ServiceMetrics
from customvision.project.store.blobs import BlobStore


def project_metrics(folder: Path, database: Path, blobs: BlobStore) -> ServiceMetrics:
    """Returns the figures of the disk and of what was written to it."""
    metrics = ServiceMetrics()
    add_disk_metrics(metrics, folder, database)
    metrics.counter(
        "customvision_project_blobs_written_total",
        "Images and other files that were made durable",
        lambda: blobs.written_count,
    )
    metrics.counter("customvision_project_blob_bytes_written_total", "Their bytes", lambda: blobs.written_bytes)
    return metrics
