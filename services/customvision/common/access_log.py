"""One line for each call that was answered, for those who ask for it."""

import logging
from collections.abc import Mapping

import structlog

# Fields of requests that say whom a call was about.
NAMED = ("project_id", "publish_name", "iteration_id", "training_run_id")
MAX_CHARACTERS = 256
NOBODY: Mapping[str, str] = {}

log = structlog.get_logger()


class AccessLog:
    """Tells at level info where it is ``on``, else at level debug. To be made once the level of logs is set."""

    def __init__(self, *, on: bool = False) -> None:
        self._on = on
        # Found out once: thousands of calls a second shall not pay for lines that nobody reads.
        self._silent = not on and not log.is_enabled_for(logging.DEBUG)

    def names_in(self, request: object) -> Mapping[str, str]:
        """Returns whom a call is about, for its line: the request itself need not be kept until then."""
        if self._silent:
            return NOBODY
        values = {name: getattr(request, name, "") for name in NAMED}
        return {name: _shown(value) for name, value in values.items() if isinstance(value, str) and value}

    def tell(self, method: str, code: str, seconds: float, request_id: str, names: Mapping[str, str] = NOBODY) -> None:
        """Tells of a call, and whom it was about."""
        if self._silent:
            return
        (log.info if self._on else log.debug)(
            "call",
            request_id=request_id,
            method=_shown(method),
            code=code,
            milliseconds=round(seconds * 1000, 1),
            **names,
        )


def _shown(value: str) -> str:
    """Returns what a caller made up in one line of limited length."""
    text = value[:MAX_CHARACTERS]
    return text if text.isprintable() else text.encode("unicode_escape").decode()
