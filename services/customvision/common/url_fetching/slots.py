"""Room to fetch in: projects take turns, and none has all of it, however slow the hosts that it asks."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator


class FairSlots:
    """``count`` slots, of which one project has at most ``of_a_project``. Belongs to one event loop.

    Within a project the oldest comes first.
    """

    def __init__(self, count: int, of_a_project: int) -> None:
        self._free = count
        self._of_a_project = of_a_project
        self._taken: dict[str, int] = {}
        # In the order of their turns: who gets a slot, or gives one back, moves to the end.
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @contextlib.asynccontextmanager
    async def slot(self, project_id: str) -> AsyncIterator[None]:
        """Waits for a slot, which is held as long as the block lasts."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(project_id, deque()).append(turn)
        self._serve()
        try:
            await turn
        except asyncio.CancelledError:
            self._leave(project_id, turn)
            raise
        try:
            yield
        finally:
            self._give_back(project_id)

    def _serve(self) -> None:
        """Gives free slots to those whose turn it is."""
        while self._free and (project_id := self._next()) is not None:
            turns = self._waiting.pop(project_id)
            turn = turns.popleft()
            if turns:
                self._waiting[project_id] = turns
            # One that was cancelled just now has not left yet.
            if not turn.cancelled():
                turn.set_result(None)
                self._free -= 1
                self._taken[project_id] = self._taken.get(project_id, 0) + 1

    def _next(self) -> str | None:
        waiting = (name for name in self._waiting if self._taken.get(name, 0) < self._of_a_project)
        return next(waiting, None)

    def _leave(self, project_id: str, turn: "asyncio.Future[None]") -> None:
        """Takes one that is cancelled out; it may have been given its slot just before."""
        if not turn.cancelled():
            self._give_back(project_id)
            return
        turns = self._waiting.get(project_id, deque())
        if turn in turns:
            turns.remove(turn)
            if not turns:
                del self._waiting[project_id]

    def _give_back(self, project_id: str) -> None:
        self._free += 1
        self._taken[project_id] -= 1
        if not self._taken[project_id]:
            del self._taken[project_id]
        if project_id in self._waiting:
            self._waiting[project_id] = self._waiting.pop(project_id)
        self._serve()
