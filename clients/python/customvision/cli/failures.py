"""How the command line fails: one sentence on standard error and an exit code, never a traceback."""

import os
import sys
import traceback
from typing import NoReturn

from customvision.cli.display.console import notes, printable

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


class Failure(Exception):
    """Something that the user should read and can do something about."""


def end_with(error: Exception) -> NoReturn:
    """Tells the user about ``error`` and exits."""
    if os.environ.get("CUSTOMVISION_LOG_LEVEL", "").lower() == "debug":
        traceback.print_exception(error)
    notes.print(printable(_sentence(error)), style="red", soft_wrap=True)
    sys.exit(EXIT_FAILED)


def _sentence(error: Exception) -> str:
    # Imported here: it brings grpc along, which commands that succeed offline never need.
    from customvision.client import CustomVisionError

    if isinstance(error, Failure | CustomVisionError):
        return str(error)
    if isinstance(error, UnicodeEncodeError):
        return f"{error.object!a} is not valid Unicode text; rename it, or give another name."
    kind = type(error).__name__
    return f"Something went wrong here: {kind}: {error}. CUSTOMVISION_LOG_LEVEL=debug shows where."
