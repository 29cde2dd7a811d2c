"""A kept export: an iteration's model in one format as a file, from being asked for to being removed."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from customvision.common.errors import FailedPrecondition, NotFound
from customvision.training.export.export_format import ExportFormat

KEPT_FOR = timedelta(days=1)
MAX_BYTES = 4 * 1024**3
# Restarts of the service are nobody's fault, but an export that brings the service down must end somewhere.
MAX_ATTEMPTS = 10


class ExportState(enum.Enum):
    """How far an export has come. EXPORTING also while it waits for its turn."""

    EXPORTING = "exporting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class KeptExport:
    """One export of an iteration; there is one per format at most. Times are UTC.

    ``sequence`` is the store's number for it: one that is made anew has a new one. ``file_name`` is suggested to users,
    ``stored_name`` is that of the file in the service's own folder, empty until it is done. ``asked_time`` is when it
    was last asked for.
    """

    project_id: str
    iteration_id: str
    format: ExportFormat
    file_name: str
    create_time: datetime
    asked_time: datetime
    sequence: int = 0
    state: ExportState = ExportState.EXPORTING
    attempt: int = 0
    failure_reason: str = ""
    stored_name: str = ""
    size_bytes: int = 0


class ExportNotFound(NotFound):
    """Nobody asked for the export, or it was removed since."""

    reason = "EXPORT_NOT_FOUND"

    def __init__(self, iteration_id: str, export_format: ExportFormat) -> None:
        super().__init__(
            f"There is no {export_format.value} export of the iteration, or none any more; call StartExport.",
            metadata={"iteration_id": iteration_id, "format": export_format.value},
        )


class ExportNotDone(FailedPrecondition):
    """The export has no file: it is being made, or it failed."""

    reason = "EXPORT_NOT_DONE"

    def __init__(self, export: KeptExport) -> None:
        if export.state is ExportState.FAILED:
            message = f"The export failed: {export.failure_reason.rstrip('.')}. StartExport makes it anew."
        else:
            message = "The export is being made; call ListExports until it is done."
        metadata = {"iteration_id": export.iteration_id, "format": export.format.value, "state": export.state.value}
        super().__init__(message, metadata=metadata)


def outdated(exports: Sequence[KeptExport], now: datetime, *, max_bytes: int) -> list[KeptExport]:
    """Returns the exports that need not be kept: those that nobody asked for since a day, and those for which there is
    no room within ``max_bytes`` beside others that were asked for later. The one asked for last always has room."""
    made = [export for export in exports if export.state is not ExportState.EXPORTING]
    gone: list[KeptExport] = []
    total = 0
    for place, export in enumerate(sorted(made, key=_last_asked, reverse=True)):
        total += export.size_bytes
        if now - export.asked_time > KEPT_FOR or (place and total > max_bytes):
            gone.append(export)
    return gone


def _last_asked(export: KeptExport) -> tuple[datetime, int]:
    # Those that were listed together were asked for at once: the newer one stays longer.
    return export.asked_time, export.sequence
