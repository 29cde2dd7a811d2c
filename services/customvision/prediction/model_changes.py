"""Which models have changed, in order, for any number of watchers that each have seen a part of it."""

import asyncio

from customvision.common.notifier import Notifier
from customvision.prediction.errors import ModelsWatchBehind
from customvision.prediction.publication import ModelName

# Names that are published no more are remembered for watchers that have not been told yet.
MAX_REMOVED = 10_000
_ALL = ""


class ModelChanges:
    """Belongs to one event loop. ``revision`` grows with each change; of each model only the last one counts."""

    def __init__(self, *, max_removed: int = MAX_REMOVED) -> None:
        self._max_removed = max_removed
        self.revision = 0
        # The longest unchanged first.
        self._revisions: dict[ModelName, int] = {}
        self._removed: dict[ModelName, None] = {}
        self._forgotten = 0
        self._notifier = Notifier()

    @property
    def closed(self) -> bool:
        """True once the service drains; watchers then end."""
        return self._notifier.closed

    def note(self, name: ModelName) -> None:
        """Notes that a model is new or has changed."""
        self._removed.pop(name, None)
        self._revise(name)

    def note_removed(self, name: ModelName) -> None:
        """Notes that a name is published no more."""
        self._removed.pop(name, None)
        self._removed[name] = None
        if len(self._removed) > self._max_removed:
            oldest = next(iter(self._removed))
            del self._removed[oldest]
            self._forgotten = self._revisions.pop(oldest)
        self._revise(name)

    def subscribe(self, project_id: str) -> asyncio.Event:
        """Returns the event that the next change sets, of one project where given. Subscribe, then ask, then wait."""
        return self._notifier.subscribe(project_id or _ALL)

    def after(self, revision: int, project_id: str) -> list[ModelName]:
        """Returns the names that changed after ``revision``, of one project where given, the first change first.

        Raises ModelsWatchBehind where names that were published then are forgotten.
        """
        if revision < self._forgotten:
            raise ModelsWatchBehind
        names: list[ModelName] = []
        for name in reversed(self._revisions):
            if self._revisions[name] <= revision:
                break
            if not project_id or name.project_id == project_id:
                names.append(name)
        return names[::-1]

    def wake(self) -> None:
        """Wakes everyone who waits for a change."""
        self._notifier.touch_all()

    def close(self) -> None:
        """Ends every watch."""
        self._notifier.close()

    def _revise(self, name: ModelName) -> None:
        self.revision += 1
        self._revisions.pop(name, None)
        self._revisions[name] = self.revision
        self._notifier.touch(name.project_id)
        self._notifier.touch(_ALL)
