"""One of the processes that serve prediction at one address."""

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Worker:
    """``number`` counts from 1 to ``count``; a service that runs alone is the only one.

    Each worker has an event loop, models and a cache of its own. The first one writes, for all, the list that a restart
    begins with.
    """

    number: int = 1
    count: int = 1

    @property
    def alone(self) -> bool:
        """True where no other process serves at this address."""
        return self.count == 1

    @property
    def remembers(self) -> bool:
        """True for the one worker that writes the list of published models."""
        return self.number == 1

    def cache_folder(self, folder: Path) -> Path:
        """Returns where this worker keeps artifacts, below the service's ``folder``.

        Each removes from its own what it does not need itself; what several need is one file that each has a link to.
        """
        return _cache_folder(folder, self.number)

    def other_cache_folders(self, folder: Path) -> list[Path]:
        """Returns where the others keep theirs."""
        return [_cache_folder(folder, number) for number in range(1, self.count + 1) if number != self.number]


ALONE = Worker()


def remove_surplus_caches(folder: Path, count: int) -> None:
    """Removes what is left below the service's ``folder`` of workers that there were, where ``count`` are to be."""
    kept = {_cache_folder(folder, number) for number in range(1, count + 1)}
    for path in folder.glob("artifacts-*"):
        if path not in kept:
            shutil.rmtree(path, ignore_errors=True)


def _cache_folder(folder: Path, number: int) -> Path:
    return folder / ("artifacts" if number == 1 else f"artifacts-{number}")
