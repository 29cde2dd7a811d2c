"""The inside of a child process: its request, its reports, and its end when the parent is gone.

A child reads one JSON line from standard input and reports JSON lines on what was standard output. The parent
keeps standard input open; its end means that nobody waits for the child any more.
"""

import json
import os
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

EXIT_FAILED = 1
EXIT_ORPHANED = 3
READ_BYTES = 65536


class Reports:
    """What the child tells its parent, one JSON line at a time. Thread-safe."""

    def __init__(self) -> None:
        # Libraries print to standard output; their text must not mix with the reports.
        self._file = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._lock = threading.Lock()

    def send(self, kind: str, **fields: Any) -> None:
        """Sends one report at once."""
        line = json.dumps({"kind": kind, **fields})
        with self._lock:
            self._file.write(line + "\n")
            self._file.flush()


def run_child(work: Callable[[dict[str, Any], Reports], None]) -> NoReturn:
    """Runs ``work(request, reports)`` and ends the process; an error ends it with its traceback and status 1."""
    reports = Reports()
    request = json.loads(_first_line())
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    status = 0
    try:
        work(request, reports)
    except Exception:  # noqa: BLE001 - the parent reads it from the log
        traceback.print_exc()
        status = EXIT_FAILED
    sys.stdout.flush()
    sys.stderr.flush()
    # Taking large libraries apart takes longer than a small training, and may wait for ever for a call's lock that
    # gRPC's thread held when it died; everything is written by now.
    os._exit(status)


def _first_line() -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, READ_BYTES)
        if not piece:
            os._exit(EXIT_ORPHANED)
        line += piece
    return line


def _end_with_parent() -> None:
    # Read without Python's buffer: its lock would be held at the interpreter's end.
    while os.read(0, READ_BYTES):
        pass
    os._exit(EXIT_ORPHANED)
