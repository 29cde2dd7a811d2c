"""How many images got no answer, and why."""

from collections import Counter
from types import TracebackType

from customvision.common.errors import ServiceError


class Refusals:
    """Counts, by reason, the kinds of ServiceError that leave a ``with`` block. ``counts`` is for reading only."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def __enter__(self) -> None:
        """Begins to look."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Counts, and lets the error go on."""
        if isinstance(error, ServiceError):
            self.counts[error.reason] += 1
