"""Keeps two processes from using one data folder."""

import fcntl
import os
from pathlib import Path

from customvision.common.errors import ConfigurationError


class FolderLock:
    """Holds ``folder`` for this process until it ends; the kernel lets go of it however the process ends.

    A process that inherits ``descriptor`` holds the folder too.
    """

    def __init__(self, folder: Path, *, user: str) -> None:
        """Raises ConfigurationError where another process holds the folder; ``user`` says who it is for."""
        self.descriptor = os.open(folder / f".{user}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self.descriptor)
            raise ConfigurationError(
                f"Another `customvision {user}` uses {folder} already. "
                "Stop it first, or set CUSTOMVISION_HOME to another folder."
            ) from error

    def release(self) -> None:
        """Lets go of the folder."""
        os.close(self.descriptor)
