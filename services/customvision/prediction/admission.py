"""Who may wait for an answer: bounded in number and in bytes, with room left for every project and for both keys."""

import contextlib
from collections.abc import Callable, Iterator

from customvision.common.authentication import Role
from customvision.prediction.errors import PredictionQueueFull

MAX_BYTES = 512 * 1024 * 1024
SHARE_OF_A_KEY = 3 / 4


class Share:
    """An amount that callers hold parts of for a while.

    A key may hold three quarters of it, so that no key shuts the other out. A project may hold, through a key, no more
    than it leaves free to that key: alone, half of it; beside one that asks as much, a third; and so on. However
    much one project asks, there is room for the next.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._most_of_a_key = int(total * SHARE_OF_A_KEY)
        self._held = 0
        self._by_role = dict.fromkeys(Role, 0)
        self._by_project: dict[tuple[Role, str], int] = {}

    @property
    def held(self) -> int:
        """How much is held in all."""
        return self._held

    def held_by(self, role: Role, project_id: str) -> int:
        """Returns how much a project holds through a key."""
        return self._by_project.get((role, project_id), 0)

    def has_room(self, role: Role, project_id: str, amount: int) -> bool:
        """Returns whether a project may hold so much more: no more in all than would be left free then."""
        free = min(self._total - self._held, self._most_of_a_key - self._by_role[role])
        return self.held_by(role, project_id) + amount <= free - amount

    def take(self, role: Role, project_id: str, amount: int) -> None:
        """Counts ``amount`` as held; negative ones give back."""
        self._held += amount
        self._by_role[role] += amount
        held = self.held_by(role, project_id) + amount
        if held:
            self._by_project[role, project_id] = held
        else:
            self._by_project.pop((role, project_id), None)


class Admission:
    """Gives places to questions until they are answered. Belongs to one event loop.

    ``refused_count`` counts those that got none.
    """

    def __init__(self, places: int, *, max_bytes: int = MAX_BYTES) -> None:
        self._places = Share(places)
        self._bytes = Share(max_bytes)
        self.refused_count = 0

    @property
    def waiting_count(self) -> int:
        """How many questions hold a place."""
        return self._places.held

    @contextlib.contextmanager
    def place(self, role: Role, project_id: str, size: int, retry_after: Callable[[], float]) -> Iterator[None]:
        """Holds a place for a question of ``size`` bytes. Raises PredictionQueueFull at once where there is none.

        ``retry_after`` estimates the seconds until there may be one.
        """
        if not (self._places.has_room(role, project_id, 1) and self._bytes.has_room(role, project_id, size)):
            self.refused_count += 1
            raise self._refusal(role, project_id, retry_after())
        self._places.take(role, project_id, 1)
        self._bytes.take(role, project_id, size)
        try:
            yield
        finally:
            self._places.take(role, project_id, -1)
            self._bytes.take(role, project_id, -size)

    def _refusal(self, role: Role, project_id: str, retry_after: float) -> PredictionQueueFull:
        waiting, of_project = self.waiting_count, self._places.held_by(role, project_id)
        return PredictionQueueFull(
            f"{waiting} questions wait already, {of_project} of them of this project; try again in "
            f"{retry_after:.1f} seconds, or with fewer callers.",
            metadata={"waiting": str(waiting), "waiting_of_project": str(of_project)},
            retry_after=retry_after,
        )
