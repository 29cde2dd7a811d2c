"""How long to go on trying while a service is away."""

import random
import time
from collections.abc import Callable

from customvision.client.errors import CustomVisionError

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0


class Patience:
    """Growing pauses between attempts, up to ``seconds`` without a sign of life."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._attempts = 0
        self._away_since: float | None = None

    def renew(self) -> None:
        """Takes note that the service answered."""
        self._attempts = 0
        self._away_since = None

    def pause_after(self, error: CustomVisionError) -> float:
        """Returns the seconds to wait before the next attempt.

        Raises ``error`` where another attempt cannot help, or where the service has been away for too long.
        """
        now = self._clock()
        if self._away_since is None:
            self._away_since = now
        left = self._away_since + self._seconds - now
        if not error.is_transient or left <= 0:
            raise error
        pause = min(FIRST_PAUSE_SECONDS * 2.0**self._attempts, LONGEST_PAUSE_SECONDS, left)
        self._attempts += 1
        # Clients that lost the same service do not return all at once.
        return pause * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


class Contact:
    """Whether the suite has answered a client yet, and so how patient its single calls are.

    A suite that does not run is told at once; a service of one that has answered is likely to come back.
    """

    def __init__(self, patience_seconds: float) -> None:
        self._seconds = patience_seconds
        self._made = False

    def made(self) -> None:
        """Takes note that a service answered."""
        self._made = True

    def patience(self) -> Patience:
        """Returns the patience of one call."""
        return Patience(self._seconds if self._made else 0.0)
