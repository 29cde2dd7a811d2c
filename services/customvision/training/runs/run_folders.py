"""The folders that belong to runs: checkpoints for as long as a run is open, scratch for one attempt."""

import shutil
from collections.abc import Collection
from pathlib import Path

from customvision.common.durable_files import TEMPORARY_PREFIX


class RunFolders:
    """Folders below the training service's own. For threads: all of it is file work."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._checkpoints = folder / "checkpoints"

    def checkpoints(self, training_run_id: str) -> Path:
        """Returns where the run keeps its checkpoints; its process makes the folder."""
        return self._checkpoints / training_run_id

    def make_scratch(self, training_run_id: str) -> Path:
        """Returns an empty folder for what one attempt writes by the way."""
        scratch = self._scratch(training_run_id)
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700, parents=True)
        return scratch

    def remove_scratch(self, training_run_id: str) -> None:
        """Removes what an attempt wrote by the way."""
        shutil.rmtree(self._scratch(training_run_id), ignore_errors=True)

    def remove_checkpoints(self, training_run_id: str) -> None:
        """Removes the checkpoints of a run that has ended."""
        shutil.rmtree(self.checkpoints(training_run_id), ignore_errors=True)

    def remove_all_but(self, training_run_ids: Collection[str]) -> None:
        """Removes the checkpoints of all runs but those that are open."""
        for leftover in list(self._checkpoints.glob("*")):
            if leftover.name not in training_run_ids:
                shutil.rmtree(leftover, ignore_errors=True)

    def _scratch(self, training_run_id: str) -> Path:
        # What bears this prefix is removed when the service starts.
        return self._folder / f"{TEMPORARY_PREFIX}run-{training_run_id}"
