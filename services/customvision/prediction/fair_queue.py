"""Whose turn is next: projects take turns, and within a project the oldest comes first."""

import threading
from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """Filled by one thread, emptied by several, which work on at most ``at_once`` items of a project at a time.

    Threads beyond that number are left to other projects, however long the items of one take. How many may wait is
    decided before.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Item]] = {}
        self._working: dict[str, int] = {}
        self._working_count = 0
        # Each project that has something waiting and may have it worked on, once; the next one to serve first.
        self._turns: deque[str] = deque()
        # A bell for each thread that waits. The last to wait is woken first: what it worked with is still at hand.
        self._bells: list[threading.Lock] = []
        self._closed = False

    def __len__(self) -> int:
        with self._lock:
            return sum(map(len, self._waiting.values()))

    @property
    def working_count(self) -> int:
        """How many items are being worked on."""
        return self._working_count

    def put(self, project_id: str, item: Item) -> None:
        """Adds an item behind those of its project."""
        with self._lock:
            may_begin = self._may_begin(project_id)
            items = self._waiting.get(project_id)
            if items is None:
                items = self._waiting[project_id] = deque()
                if may_begin:
                    self._turns.append(project_id)
            items.append(item)
            if may_begin and self._bells:
                self._bells.pop().release()

    def remove(self, project_id: str, item: Item) -> None:
        """Takes an item out that nobody wants any more, unless a thread has it already."""
        with self._lock:
            items = self._waiting.get(project_id)
            if items is None or item not in items:
                return
            items.remove(item)
            if not items:
                del self._waiting[project_id]
                if self._may_begin(project_id):
                    self._turns.remove(project_id)

    def take(self) -> tuple[str, Item] | None:
        """Waits for the next item and returns it after its project; None once the queue is closed.

        Who takes an item says ``finished`` before taking another.
        """
        while True:
            with self._lock:
                if self._closed:
                    return None
                if self._turns:
                    return self._next()
                bell = threading.Lock()
                bell.acquire()
                self._bells.append(bell)
            bell.acquire()

    def finished(self, project_id: str) -> None:
        """Has the project take another turn in place of the one that ended; the thread that says so takes the next."""
        with self._lock:
            if not self._may_begin(project_id) and project_id in self._waiting:
                self._turns.append(project_id)
            self._working_count -= 1
            self._working[project_id] -= 1
            if not self._working[project_id]:
                del self._working[project_id]

    def close(self) -> list[Item]:
        """Ends every ``take`` and returns what was waiting still."""
        with self._lock:
            self._closed = True
            rest = [item for items in self._waiting.values() for item in items]
            self._waiting.clear()
            self._turns.clear()
            while self._bells:
                self._bells.pop().release()
        return rest

    def _may_begin(self, project_id: str) -> bool:
        return self._working.get(project_id, 0) < self._at_once

    def _next(self) -> tuple[str, Item]:
        project_id = self._turns.popleft()
        self._working_count += 1
        self._working[project_id] = self._working.get(project_id, 0) + 1
        items = self._waiting[project_id]
        item = items.popleft()
        if not items:
            del self._waiting[project_id]
        elif self._may_begin(project_id):
            self._turns.append(project_id)
        return project_id, item
