"""Who may wait for an answer: bounded in number and in bytes, with room left for every project and for both keys."""

from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple

from customvision.common.authentication import Role
from customvision.prediction.errors import PredictionQueueFull

MAX_BYTES = 512 * 1024 * 1024
SHARE_OF_A_KEY = 3 / 4


class Holder(NamedTuple):
    """A project, asked with one of the two keys: by name, for names are hashed in a fraction of a Role's time."""

    key: str
    project_id: str


class Share:
    """An amount that callers hold parts of for a while.

    A key may hold three quarters of it, so that no key shuts the other out. A project may hold, through a key, no more
    than it leaves free to that key: alone, half of it; beside one that asks as much, a third; and so on. However
    much one project asks, there is room for the next.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._most_of_a_key = int(total * SHARE_OF_A_KEY)
        self.held = 0
        self._by_key: dict[str, int] = {}
        self._by_holder: dict[Holder, int] = {}

    def held_by(self, holder: Holder) -> int:
        """Returns how much a project holds through a key."""
        return self._by_holder.get(holder, 0)

    def has_room(self, holder: Holder, amount: int) -> bool:
        """Returns whether a project may hold so much more: no more in all than would be left free then."""
        return self.held_by(holder) + amount <= self.free_to(holder.key) - amount

    def free_to(self, key: str) -> int:
        """Returns how much of what a key may hold is free."""
        return min(self.total - self.held, self._most_of_a_key - self._by_key.get(key, 0))

    def take(self, holder: Holder, amount: int) -> None:
        """Counts ``amount`` as held."""
        self.held += amount
        self._by_key[holder.key] = self._by_key.get(holder.key, 0) + amount
        self._by_holder[holder] = self.held_by(holder) + amount

    def give_back(self, holder: Holder, amount: int) -> None:
        """Counts ``amount`` as free again."""
        self.held -= amount
        self._by_key[holder.key] -= amount
        left = self.held_by(holder) - amount
        if left:
            self._by_holder[holder] = left
        else:
            # Projects are many; only those that hold something are known here.
            self._by_holder.pop(holder, None)


class Admission:
    """Gives places to questions until they are answered. Belongs to one event loop.

    ``places`` and ``bytes`` tell what is held; ``refused_count`` counts the questions that got no place.
    """

    def __init__(self, places: int, *, max_bytes: int = MAX_BYTES) -> None:
        self.places = Share(places)
        self.bytes = Share(max_bytes)
        self.refused_count = 0

    def check_entry(self, role: Role, retry_after: Callable[[], float]) -> None:
        """Raises PredictionQueueFull where no project has room for a question through the key."""
        nobody = Holder(_key_of(role), "")
        if not self.places.has_room(nobody, 1):
            self.refused_count += 1
            raise self._refusal(nobody, retry_after())

    def place(self, role: Role, project_id: str, size: int, retry_after: Callable[[], float]) -> "Place":
        """Returns a place, to be held inside a ``with`` block, for a question of ``size`` bytes.

        ``retry_after`` estimates the seconds until there may be one. Raises PredictionQueueFull where there is none.
        """
        holder = Holder(_key_of(role), project_id)
        if self.places.has_room(holder, 1) and self.bytes.has_room(holder, size):
            return Place(self, holder, size)
        self.refused_count += 1
        raise self._refusal(holder, retry_after())

    def _refusal(self, holder: Holder, retry_after: float) -> PredictionQueueFull:
        waiting, of_project = self.places.held, self.places.held_by(holder)
        # As it is told, so that refusals of one moment are all the same.
        retry_after = max(0.1, round(retry_after, 1))
        return PredictionQueueFull(
            f"{waiting} questions wait already, {of_project} of them of this project; try again in "
            f"{retry_after:.1f} seconds, or with fewer callers.",
            metadata={"waiting": str(waiting), "waiting_of_project": str(of_project)},
            retry_after=retry_after,
        )


def _key_of(role: Role) -> str:
    return "training" if role is Role.TRAINING else "prediction"


class Place:
    """Room for one question, held inside its ``with`` block."""

    __slots__ = ("_admission", "_holder", "_size")

    def __init__(self, admission: Admission, holder: Holder, size: int) -> None:
        self._admission = admission
        self._holder = holder
        self._size = size

    def __enter__(self) -> None:
        self._admission.places.take(self._holder, 1)
        self._admission.bytes.take(self._holder, self._size)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._admission.places.give_back(self._holder, 1)
        self._admission.bytes.give_back(self._holder, self._size)
